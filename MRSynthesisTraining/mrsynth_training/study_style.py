"""How a study's page looks, on a screen and on paper: rules beyond those that every page has."""

STYLE = """
@page { margin: 16mm 15mm }
body { max-width: 56rem; font: 15px/1.5 Charter, "Bitstream Charter", Georgia, "Times New Roman", serif; color: #111 }
h1 { font-size: 1.6rem; font-weight: 600 }
h2 { border: 0; padding: 0; font-size: 1.15rem; margin-top: 2.2rem }
.byline { color: #444; margin-bottom: 1.2rem }
.statements { margin: .3rem 0; padding-left: 1.2rem }
.statements li { margin: .2rem 0 }
.tabled, figure { margin: 1.3rem 0 }
.caption, figcaption { color: #111; font-size: .9em; margin: 0 0 .4rem; line-height: 1.4 }
figcaption { margin: .4rem 0 0 }
.note { color: #333; font-size: .82em; margin: .35rem 0 0; line-height: 1.4 }
table.paper { border-top: 1.5px solid #111; border-bottom: 1.5px solid #111; margin-bottom: .3rem;
  font: .82rem/1.35 "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums }
table.paper th, table.paper td { border: 0; padding: .25rem .5rem; text-align: right; font-weight: normal }
table.paper td { white-space: nowrap }
table.words td { white-space: normal; overflow-wrap: anywhere }
table.paper thead th { background: none; border-bottom: .8px solid #111; font-weight: 600 }
table.paper th.word { text-align: left }
table.paper tr.across th { text-align: left; font-weight: 600; padding-top: .5rem }
table.paper small { display: block; color: #444; font-weight: normal; font-size: .85em }
table.words td, table.words thead th { text-align: left }
table.paper tbody tr:last-child > * { padding-bottom: .4rem }
@media print { body { font-size: 9.5pt } h1 { font-size: 15pt } h2 { font-size: 11.5pt; margin-top: 14pt }
  table.paper { font-size: 7.6pt } table.paper th, table.paper td { padding: 1.6pt 4pt }
  .scroll { overflow: visible } .tabled.keep { break-inside: avoid } .caption { break-after: avoid } }
"""
