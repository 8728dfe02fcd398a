"""A page that can be mailed, printed and read anywhere: its style and pictures are within, and it asks for nothing."""

import base64
from html import escape

_STYLE = """
@page { size: A4; margin: 14mm }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem; max-width: 68rem; background: #fff; color: #1d2733;
  font: 16px/1.45 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
h1 { margin: 0 0 .3rem; font-size: 1.7rem; line-height: 1.2 }
h2 { margin: 2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid #c9d1da; font-size: 1.15rem }
p { margin: .4rem 0 }
.quiet { color: #52606d; font-size: .9em }
.banner, .warnings { margin: 1rem 0; padding: .7rem 1rem; border-left: 6px solid #b45309; background: #fff4e0 }
.banner strong { display: block; font-size: 1.15rem; letter-spacing: .02em; color: #8a3d00 }
.warnings ul { margin: .2rem 0; padding-left: 1.2rem }
.banner, .warnings, thead th, tr.synthetic { -webkit-print-color-adjust: exact; print-color-adjust: exact }
figure { margin: 0; break-inside: avoid }
figure img { display: block; width: 100%; height: auto }
figcaption { margin-top: .4rem; color: #52606d; font-size: .9em }
.scroll { overflow-x: auto }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem }
th, td { padding: .35rem .6rem; border-bottom: 1px solid #dfe4ea; text-align: left; vertical-align: top }
thead th { background: #eef2f6; vertical-align: bottom }
thead small { display: block; font-weight: normal; color: #52606d }
.figures td, .figures thead th + th { text-align: right; white-space: nowrap }
.figures thead small { white-space: normal }
.figures tbody th { font-weight: normal; white-space: nowrap }
.figures tr.mask th { padding-top: .8rem; font-weight: 600; color: #33475b }
.figures tr.synthetic > * { font-weight: 700; background: #f6f9fc }
.origin th { width: 13rem; font-weight: 600; white-space: nowrap }
.origin td { overflow-wrap: anywhere }
tr, section.keep { break-inside: avoid }
h2 { break-after: avoid }
@media print { body { padding: 0; max-width: none; font-size: 9.5pt } h1 { font-size: 16pt }
  h2 { margin: .8rem 0 .4rem; font-size: 11pt } .banner { margin: .5rem 0; padding: .4rem .8rem }
  .banner strong { font-size: 11pt } table { font-size: 8.5pt } th, td { padding: .15rem .4rem }
  .figures tr.mask th { padding-top: .3rem } .origin th { width: 9rem } }
"""


def document(title: str, body: str, style: str = "") -> str:
    """Return a whole page as HTML.

    Args:
        title: Plain text.
        body: HTML.
        style: Further rules, after those that every page has.
    """
    # The policy holds whoever opens the page to what it promises: nothing is fetched from anywhere.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def figure(png: bytes, caption: str, description: str) -> str:
    """Return a picture with its caption as HTML.

    Args:
        png: The picture's file.
        caption: HTML.
        description: Plain text for those who cannot see it.
    """
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{escape(description)}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
