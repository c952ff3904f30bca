"""``python -m startrail``."""

from startrail.cli import main

if __name__ == "__main__":
    main()
