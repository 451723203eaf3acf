"""Labels in files beside images whose folders name no label, or in the names of the images."""

from collections.abc import Sequence

from mien.data.labels import LabelNames
from mien.data.readers.label_files.affect_net import affect_net_files
from mien.data.readers.label_files.ck_plus import ck_plus_files
from mien.data.readers.label_files.expw import expw_list
from mien.data.readers.label_files.ferplus_votes import ferplus_votes
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile
from mien.data.readers.label_files.file_names import form_of_names
from mien.data.readers.label_files.name_words import words_in_names
from mien.data.readers.label_files.raf_db import raf_db_list
from mien.data.readers.label_files.table import table_labels, unread_tables
from mien.data.readers.label_files.yolo import box_labels

__all__ = ["FileLabels", "ReadFile", "data_set_labels", "general_labels", "unread_tables"]

_DATA_SETS = (raf_db_list, ferplus_votes, expw_list, ck_plus_files, affect_net_files)


def data_set_labels(
    names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile
) -> FileLabels | None:
    """Return the labels of images by the files that a published data set has for them; None if there are none.

    Args:
        names: of the images.
        others: of all other files.
        labels: what labels mean.
        read: reads one of the others.

    Raises:
        InputError: such a file is damaged.
    """
    return next((found for form in _DATA_SETS if (found := form(names, others, labels, read))), None)


def general_labels(
    names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile
) -> FileLabels | None:
    """Return the labels of images by tables, boxes of YOLO, or file names; None if there are none.

    Arguments and errors are those of `data_set_labels`.
    """
    return (
        table_labels(names, others, labels, read)
        or box_labels(names, others, labels, read)
        or form_of_names(names, labels)
        or words_in_names(names, labels)
    )
