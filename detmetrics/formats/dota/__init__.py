"""DOTA: oriented boxes, a ``labelTxt`` file an image and a ``Task1`` file a class."""
