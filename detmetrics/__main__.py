"""``python -m detmetrics``."""

from detmetrics.cli import main

if __name__ == "__main__":
    main()
