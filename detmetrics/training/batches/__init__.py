"""What a training loop hands in, batch by batch: checked, kept in few arrays, made into tables.

Arrays of any library (``tensors.py``) in any form of box (``forms.py``) or as masks
(``bitmaps.py``, ``image_masks.py``) become a record of each image (``images.py``) with named
columns (``image_columns.py``), which is gathered into tables (``gathering.py``) or packed into
bytes (``packing.py``).
"""
