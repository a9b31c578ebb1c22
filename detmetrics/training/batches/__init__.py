"""What a training loop hands in, batch by batch: checked, kept in few arrays, made into tables.

Arrays of any library (``tensors.py``) in any form of box (``forms.py``) or as masks
(``bitmaps.py``) become one record an image (``images.py``), which is gathered into tables
(``gathering.py``) or packed into bytes (``packing.py``).
"""
