"""Every fault that ``check`` can find: a code that never changes, its cause and its cure.

``D0``: files; ``D1``: ids and what they refer to; ``D2``: boxes; ``D3``: scores and detections;
``D4``: images and classes; ``D5``: parts of a data set; ``D6``: outlines.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["CODES", "Code", "Severity"]

Severity = Literal["error", "warning", "info"]


class Code(NamedTuple):
    """code: as ``D204``; title: what is wrong, of one; cause: how it comes; cure: what to do."""

    code: str
    severity: Severity
    title: str
    cause: str
    cure: str


_ALL = (
    Code(
        "D001",
        "error",
        "cannot be read",
        "The file is missing, cut off, of another format, or breaks the rules of its format.",
        "Follow the places that are named; `--gt-format` and `--det-format` choose the format.",
    ),
    Code(
        "D002",
        "error",
        "cannot be evaluated",
        "Something that no other check looks for, such as shares of the image on one side and "
        "pixels on the other, or an area below 0.",
        "Follow the message; `evaluate` stops with the same.",
    ),
    Code(
        "D003",
        "error",
        "file that is there and cannot be read",
        "A dead link (its disk is not mounted, or the data set was copied without it), a named "
        "pipe, a folder with the name of a file, or a link to a folder, which is not followed. "
        "Without these files objects or detections are missing, and every number is wrong.",
        "Restore the files, mount the disk, or delete the entries. An image without objects has an "
        "empty file, or none.",
    ),
    Code(
        "D004",
        "error",
        "key that an object has twice",
        "Two versions of a file were merged by hand, or a list was appended. Parsers keep the last "
        "value and do not tell: a second, empty `annotations` takes all objects away.",
        "Keep one of the values.",
    ),
    Code(
        "D005",
        "warning",
        "key that an object has twice, and that is not read",
        "As D004, of a key that no number depends on.",
        "Keep one of the values: other tools may read it.",
    ),
    Code(
        "D101",
        "error",
        "annotation id that is there already",
        "Files were joined without new ids. Tools that look annotations up by id lose one of two.",
        "Number the annotations again; `detmetrics convert` keeps ids, so do it at the source.",
    ),
    Code(
        "D102",
        "error",
        "image id that is there already",
        "Files were joined, or an image was listed twice.",
        "List each image once; objects of both then belong to the one that stays.",
    ),
    Code(
        "D103",
        "error",
        "class id that is there already",
        "Files with different classes were joined.",
        "Give each class an id of its own and change the objects that use it.",
    ),
    Code(
        "D104",
        "error",
        "reference to an image that is not listed",
        "The image was taken out and its objects were not, or ids are of another file: file stems "
        "against numbers, counting from 0 against 1.",
        "List the image, or take the rows out; `evaluate --unknown-images drop` leaves them out.",
    ),
    Code(
        "D105",
        "error",
        "reference to a class that is not listed",
        "The class was taken out, or class numbers are of another numbering: indices against ids, "
        "COCO's 80 classes against its 91 ids.",
        "List the class; for detections `--class-numbers` says how the numbers are meant.",
    ),
    Code(
        "D106",
        "warning",
        "image that shares its file name with another",
        "The same image was listed under two ids, or names lost their folders.",
        "If it is one image, keep one entry; else keep the folders in the names.",
    ),
    Code(
        "D107",
        "warning",
        "class that shares its name with another",
        "Classes were joined without being merged.",
        "Merge them, or tell them apart by name: pairing by name cannot.",
    ),
    Code(
        "D108",
        "warning",
        "class numbers that seem to be off by one",
        "Ids that count from 1 were written as indices that count from 0, or the reverse: the "
        "first class is never used and the highest number is one too high.",
        "Take 1 away from every class number; for detections `--class-numbers index1`.",
    ),
    Code(
        "D201",
        "error",
        "box with a number that is not finite",
        "Training diverged, or a division by zero in a conversion.",
        "Find where the box was made; leave it out.",
    ),
    Code(
        "D202",
        "error",
        "object of negative width or height",
        "Corners in the wrong order, or corners where sides are meant. Ground truth that holds "
        "such boxes cannot be evaluated.",
        "Swap the corners.",
    ),
    Code(
        "D203",
        "warning",
        "box of zero width or height",
        "A click in a labelling tool, or rounding of a small box.",
        "Take it out: it can be matched by nothing and counts as missed.",
    ),
    Code(
        "D204",
        "warning",
        "box that reaches outside its image",
        "Objects at the border that were not clipped, or sizes of another version of the image.",
        "Clip boxes to the image if your protocol does; check the sizes if there are many.",
    ),
    Code(
        "D205",
        "error",
        "box wholly outside its image",
        "Boxes of another image, x and y swapped, or pixels of a larger version of the image.",
        "Find out which image or scale the boxes belong to.",
    ),
    Code(
        "D206",
        "error",
        "boxes that seem to be corners where width and height are meant",
        "`xmin ymin xmax ymax` was written where `x y w h` belongs: in nearly all boxes the third "
        "number is at least the first, and the fourth the second, which sides seldom are.",
        "Write `xmax - xmin` and `ymax - ymin` as width and height, or name the order of columns.",
    ),
    Code(
        "D207",
        "error",
        "boxes that seem to be shares of the image where pixels are meant",
        "Normalised boxes were written as they came from the network.",
        "Multiply by the width and height of the image.",
    ),
    Code(
        "D208",
        "warning",
        "object that lies almost exactly on another of its class (IoU from 0.95)",
        "The object was labelled twice. One of the two can only be missed.",
        "Keep one of the two.",
    ),
    Code(
        "D209",
        "warning",
        "object that repeats another exactly",
        "Annotations were joined twice, or a labelling tool saved twice. One of two is missed.",
        "Keep one of them.",
    ),
    Code(
        "D210",
        "warning",
        "area that is larger than its box",
        "Areas are of another scale than boxes, or of a box that was changed later. COCO's ranges "
        "small, medium and large go by the area.",
        "Take the area of the mask, or width times height.",
    ),
    Code(
        "D211",
        "warning",
        "areas that are all 0",
        "A converter filled the field `area` with 0. COCO's ranges small, medium and large go by "
        "the area, so every object counts as small.",
        "Write the areas of the masks, or width times height, which counts where the field is "
        "missing.",
    ),
    Code(
        "D212",
        "warning",
        "sizes of images that seem to have width and height swapped",
        "Sizes were read as rows and columns, as NumPy has them, and written as width and height.",
        "Exchange the two.",
    ),
    Code(
        "D301",
        "error",
        "score that is not finite",
        "Training diverged, or logits overflowed.",
        "Find where the score was made; leave the detection out.",
    ),
    Code(
        "D302",
        "warning",
        "score outside [0, 1]",
        "Logits or percentages in place of probabilities. The ranking is right, thresholds on "
        "scores are not.",
        "Map the scores to [0, 1] if anything else than the ranking is used.",
    ),
    Code(
        "D303",
        "warning",
        "scores that are all equal",
        "Scores were lost on the way, and a constant put in. AP then depends on the order of rows.",
        "Write the scores of the detector.",
    ),
    Code(
        "D304",
        "warning",
        "detection that repeats another exactly",
        "An image was evaluated twice, as by the padding of a distributed sampler, or files were "
        "joined twice. Each repetition is a false positive.",
        "Evaluate each image once.",
    ),
    Code(
        "D305",
        "info",
        "detection beyond the 100 of its image and class",
        "No non-maximum suppression, or a score cut that is very low. COCO counts the best 100.",
        "Nothing, if 100 is what you want; else `evaluate --max-detections`.",
    ),
    Code(
        "D306",
        "info",
        "detection in a class without ground truth",
        "The detector knows classes that this set does not show. No metric counts them.",
        "Nothing; or take the class out with `evaluate --classes`.",
    ),
    Code(
        "D307",
        "warning",
        "detection of negative width or height",
        "Boxes that were clipped to the image from outside, or corners in the wrong order. They "
        "match nothing; where only one side is negative, their area is too, and COCO skips them.",
        "Leave out what lies outside the image before it is clipped.",
    ),
    Code(
        "D308",
        "info",
        "image with objects and without a detection",
        "The detector found nothing there, or was not run on it.",
        "Nothing, if it found nothing; else run it on all images, or `evaluate "
        "--only-detected-images`.",
    ),
    Code(
        "D309",
        "warning",
        "detections of a part of the images",
        "Most images with objects have no detection, or a run of them at one end: detections of "
        "one split against all images, or a run that ended early. Objects on the others count as "
        "missed.",
        "`--split NAME`, `evaluate --images FILE` or `evaluate --only-detected-images` evaluates "
        "the part; or run the detector on all images.",
    ),
    Code(
        "D401",
        "info",
        "class without objects",
        "The list of classes is that of a larger set, or a part was cut without regard to classes.",
        "Nothing: such classes are left out of means. `detmetrics split` spreads rare classes.",
    ),
    Code(
        "D402",
        "info",
        "image without objects",
        "A background image, or an image whose labels were lost.",
        "Nothing, if it is a background image: false positives on it count.",
    ),
    Code(
        "D403",
        "info",
        "image of unknown size",
        "The labels have no sizes, or what is no size (0, text), and the images were not found.",
        "`--image-dir` or `--image-sizes`: without sizes some checks and metrics by area are left "
        "out.",
    ),
    Code(
        "D404",
        "warning",
        "object with ignore set that is no crowd",
        "A flag of another benchmark. COCO's rules count the object all the same.",
        "`evaluate --ignore honour` leaves it out.",
    ),
    Code(
        "D501",
        "error",
        "image in two parts",
        "Parts were drawn separately, or a file was copied.",
        "Split again: `detmetrics split`.",
    ),
    Code(
        "D502",
        "error",
        "image whose content is in another part under another name",
        "Frames of a still camera, or downloads of one image from two places.",
        "`detmetrics split --image-dir DIR` keeps equal images together.",
    ),
    Code(
        "D503",
        "warning",
        "class that a part lacks",
        "The class is rare, or the parts were drawn without regard to classes.",
        "`detmetrics split` spreads classes over the parts where it can.",
    ),
    Code(
        "D601",
        "error",
        "outline that cannot be drawn",
        "A polygon of fewer than 3 points or of a coordinate too many, something that is no "
        "number, or an encoding that was cut or changed and does not fill its image.",
        "Write the outline again; `evaluate` refuses it where outlines are measured, and "
        "`--shape box` measures boxes alone.",
    ),
    Code(
        "D602",
        "error",
        "mask whose size is not that of its image",
        "Width and height swapped (an encoding has the height first), or masks of an image that "
        "was resized.",
        "Encode the mask in the size of its image; masks of other sizes have no overlap.",
    ),
    Code(
        "D603",
        "warning",
        "outline with fewer than 3 corners that differ",
        "A click or a line in a labelling tool, or rounding of a small outline.",
        "Take it out: it can be matched by nothing and counts as missed.",
    ),
    Code(
        "D604",
        "warning",
        "outline without an area",
        "Corners on one line, or a mask without a pixel.",
        "Take it out: it can be matched by nothing and counts as missed.",
    ),
    Code(
        "D605",
        "warning",
        "outline that crosses itself and encloses another area than it seems to",
        "Corners in another order than around the object: four corners make a bow tie. What is "
        "enclosed counts once, so half of the object may be missing.",
        "Write the corners in the order in which they stand around the object.",
    ),
    Code(
        "D606",
        "info",
        "outline that crosses or touches itself",
        "A slip of the hand, or a contour that was traced around single pixels. It is repaired "
        "when it is measured: what it encloses counts, once.",
        "Nothing: its area stays the same. Other tools may refuse it or drop a part.",
    ),
    Code(
        "D607",
        "warning",
        "outline that reaches outside its image",
        "An object at the border that was not clipped though its box was, or sizes of another "
        "version of the image.",
        "Clip outlines to the image if your protocol does; check the sizes if there are many.",
    ),
    Code(
        "D608",
        "error",
        "outline wholly outside its image",
        "Outlines of another image, x and y swapped, or pixels of a larger version of the image.",
        "Find out which image or scale the outlines belong to.",
    ),
    Code(
        "D609",
        "warning",
        "box that is not the upright box around its outline (2 pixels off or more)",
        "One of the two was changed later, resized or clipped, or belongs to another object. Boxes "
        "and outlines then give numbers that cannot be compared.",
        "Take the least and the greatest x and y of the outline.",
    ),
    Code(
        "D610",
        "warning",
        "area that is not that of its outline (a quarter off or more)",
        "`area` is that of the box, as many converters write it, or of another scale. COCO's "
        "ranges small, medium and large go by it.",
        "Take the area of the polygon or the pixels of the mask.",
    ),
    Code(
        "D611",
        "warning",
        "row without an outline, where others have one",
        "Files with boxes and files with outlines were joined, or labels were drawn in part. Boxes "
        "alone are measured then.",
        "Draw the missing ones, or take these rows out to measure outlines.",
    ),
    Code(
        "D612",
        "warning",
        "outlines that are all upright boxes",
        "Angles were lost in a conversion, or boxes were written as polygons or masks. What is "
        "measured is then no more than boxes.",
        "Nothing, if all objects stand upright; else find where the angle was lost.",
    ),
    Code(
        "D613",
        "info",
        "mask of an object that is no crowd, beside polygons",
        "Files of two tools were joined. Polygons become masks when masks are measured; as "
        "polygons alone such a file cannot be measured.",
        "Nothing, if masks are measured.",
    ),
)

CODES = {code.code: code for code in _ALL}
