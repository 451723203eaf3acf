"""The Facial Action Coding System (FACS): Action Units (AUs), and which AUs tend to occur together.

Source: Ekman, Friesen & Hager, Facial Action Coding System, 2002.
"""

#: The Action Units of mien's tables. Every array of intensities has them in this order.
AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 16, 17, 20, 23, 24, 25, 26)

#: Two degrees of one movement of the mouth, which few tools tell apart.
MOUTH_STRETCH, JAW_DROP = 27, 26

#: (AU, another AU that its movement tends to cause): the outer brow lifts the inner, a wrinkled nose lowers the
#: brow and narrows the lids, a smile lifts the cheeks, corners pulled down push up the chin, pressed lips tighten, a
#: stretched mouth or a dropped jaw parts the lips (after the appearance changes in the FACS manual).
BRINGS_ALONG = ((2, 1), (9, 4), (9, 7), (12, 6), (15, 17), (24, 23), (20, 25), (26, 25))

#: (AU, another AU that tools also report for it): OpenFace sees a wrinkled nose by the brow, lids and upper lip.
CROSSTALK = ((9, 4), (9, 7), (9, 10))


def column(au: int) -> str:
    """Return the column name of an AU: 6 -> "AU06"."""
    return f"AU{au:02d}"


#: The columns of the AUs, in the order of AUS.
COLUMNS = [column(au) for au in AUS]
