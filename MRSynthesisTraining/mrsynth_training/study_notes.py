"""What stands below the tables of a study's page: units, masks, ranges and methods."""

RESULTS_NOTE = (
    "Mean (standard deviation) over subjects, whole volume, in standard deviations (SD) of each subject's acquired "
    "target. PSNR: peak signal-to-noise ratio; the peak is the range of the acquired target of each subject, maximum "
    "minus minimum over the whole volume. Validation with the patches and stride of the settings below, test with "
    "overlapping patches. The epoch with the highest mean validation PSNR was measured. Bold: the highest."
)
FIGURES_NOTE = (
    "Mean (standard deviation). The rescaled source and the best map are fitted on the very scan they are measured on "
    "and so know the answer; the map of the training subjects does not. SSIM: structural similarity. Gradient "
    "difference: mean squared difference of the gradients' magnitudes within slices."
)
COMPARISONS_NOTE = (
    "Mean difference, its 95 % interval by Student's t, and p of Wilcoxon's signed-rank test, adjusted by Holm's "
    "method for all pairs of the figure and the mask; bold below 0.05. PSNR with the range maximum minus minimum."
)
TISSUES_CAPTION = (
    "Tissue agreement: Dice coefficient between the segmentations of synthetic and acquired scan, mean (standard "
    "deviation)."
)
TISSUES_NOTE = (
    "WM: white matter, GM: grey matter, CSF: cerebrospinal fluid. One method segments both scans, on the one contrast, "
    "with what the acquired pair says of each tissue: Otsu's thresholds on T2 after shading is taken away, normal "
    "distributions of the target contrast, and a Potts prior. 1: borders are where the acquired scan has them. It does "
    "not say that either segmentation is right."
)
