"""What is made of the ablations, in words; a test finds the signed figures among them in the tables of the page."""

from dataclasses import dataclass

HOW = """What each idea in the first stage of the default models' training is worth: {trainings} trainings of {steps}
steps, two seeds of each variant, with one idea left out at a time, on {hardware} with PyTorch 2.11 and CUDA 13.0. Each
had 8 patches of 96 x 96 x 16 a step from the first 160 of that stage's 400 simulated scans of heads 1 to 16. They were
measured on 16 simulated scans of heads 17 and 18, half of them at IXI's protocol, and on two acquired pairs whose
images share a grid, IXI040 (one slice) and the ICBM152 average.

Figures are PSNR in dB against the echo as acquired, noise and all (whole volume, range maximum - minimum of the
standardised reference; more is better), and the mean absolute error inside lesions against the noise-free echo at the
usual echo time, in units of the median of its tissue (less is better). "TE and TR known": the network was told those
of its source, and still asked for the usual echo time. A cell is the mean of two seeds ± half of what they differ by,
and in brackets the difference to the stage as it is shipped. The spread between seeds is the standard deviation of one
training, pooled over all variants of a table. Differences in **bold**, called clear below, exceed 2.4 times that
spread, as one in twenty does by chance alone: were nothing to be found, about four on this page.

`python Testing/benchmarks/ablations.py CACHE HELD_OUT PAIRS RECORDS` repeats the trainings, HELD_OUT as
`ablation_held_out.py` makes it, and `python Testing/benchmarks/ablation_page.py RECORDS` takes their records into
`ablations.json` and writes this page.
"""

LIMITS = """## What this cannot show

- Trainings are short: 1000 steps of 8 patches, where that stage of the shipped models has 10500 of 16 larger ones.
  What helps early need not help in the end.
- Two seeds tell only large effects. From T2 to PD one training differs from the next by more than most ideas are
  worth.
- The held-out scans are of two heads, come from the same simulator as those of training, and show whole heads. The
  acquired pairs are two, one of them a single slice.
- At IXI's protocol the acquired echo is at the usual echo time, so measuring against it favours neither way of
  choosing the target. At random protocols it is at other times, which favours targets at their own TE; the error in
  lesions is measured at the usual one, which favours fixed targets.
- Targets at their own TE were learned from the acquired echo, which is noisy, and fixed ones from an echo without
  noise: the table does not tell these two ideas apart.
- No image was asked for the echo time of its reference: what that is worth does not show here, only what it costs to
  be able to.
- Networks that are told neither TE nor TR are not asked for other echo times either; all of their patches are at the
  usual one.
- The training at one protocol had only the 64 scans of the 160 that are at IXI's, with IXI's slices, shading and
  narrow range of tissues.
- Whole-volume scales are not measured on acquired pairs: at first these were divided by the scale of the head, for
  which such networks are not trained, and the figures were thrown away. `ablations.py` now divides them as in
  training.
- What is not in the tables was not left out in any training, such as the networks' estimate of their own error.
  `SECOND_STAGE.md` tells what the wide scans, the weights of lesions and the mean with the first stage are worth.
"""


@dataclass(frozen=True)
class Finding:
    """What is made of a variant.

    Attributes:
        idea: That the variant leaves out.
        decision: What becomes of the idea.
        why: In whole sentences.
    """

    idea: str
    decision: str
    why: str


FINDINGS = {
    "told neither TE nor TR": Finding(
        "Telling TE and TR, and asking for other echo times",
        "kept",
        """Although half of its patches are at other echo times, what is shipped is on average nowhere behind a network
that has only the usual one to learn, even when it is told nothing: no price shows. From PD to T2 the shipped network
gains from knowing TE and TR, +0.17 to +0.27 dB with both seeds and at both kinds of protocol; from T2 to PD it gains
nothing (-0.07 to +0.04 dB).""",
    ),
    "target at its own TE, not always the usual one": Finding(
        "A fixed target echo time, without noise",
        "kept, but not for its figures",
        """It is not shown to help. In simulated scans from T2 to PD it is ahead, but by less than the spread; from PD
to T2 the two are alike; and on IXI040 from T2 to PD the target at its own TE does better, by +0.38 dB, both its seeds
above both of what is shipped (and by +0.50 dB against what, like it, is told neither TE nor TR). It is kept because an
image at an undefined echo time answers no question, and because without it nobody could ask for an echo time.""",
    ),
    "scale from the whole volume, not from the head": Finding(
        "An intensity scale from the head",
        "kept, undecided by these figures",
        """It wins in lesions from T2 to PD and loses in lesions from PD to T2, both clearly. In PSNR of simulated
scans it is ahead from T2 to PD and behind from PD to T2, both by less than the spread. It is kept for scans with
another field of view, whose share of air would change a whole-volume scale; there are none among those held out.""",
    ),
    "one protocol (IXI's) in training": Finding(
        "Random protocols in training",
        "kept",
        """Without them, PD to T2 loses where scans are unlike IXI's: -0.65 dB at random protocols, -1.21 dB on
ICBM152, and in lesions; some of that may be because fewer scans were left to learn from. Their price is at IXI's own
protocol, where training on it alone reaches +0.58 dB from PD to T2, just short of clear, though nothing on IXI040.
From T2 to PD no difference is clear.""",
    ),
    "no emphasis on lesions": Finding(
        "Emphasis on lesions: their weight in the loss, and patches around them",
        "kept",
        """From T2 to PD it does what it is for: lesions come out nearer to the truth, at no cost in PSNR that shows.
From PD to T2 lesions come out no nearer, but all simulated scans and IXI040 do, by about 1 dB: perhaps because patches
around lesions are patches of the brain, where that direction is hard. Weight and patches were left out together, so
that either may be behind this.""",
    ),
    "absolute error alone": Finding(
        "Gradient difference and squared error in the loss",
        "kept, without proof",
        """With them PSNR of simulated scans is a little higher throughout, but by little more than the spread at most,
and a squared error in the loss favours PSNR by its nature. On ICBM152 from T2 to PD the absolute error alone is ahead
by +0.63 dB, which is not clear either. Whoever drops them loses nothing that two seeds could show.""",
    ),
}
