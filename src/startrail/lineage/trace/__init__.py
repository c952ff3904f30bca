"""Column lineage: from a text to the columns that its columns depend on.

The way of a text: ``statements`` splits and parses it, ``script`` follows the statements in order and keeps what it
learns about tables in a ``catalog``; ``changes`` knows what each kind of statement writes, ``queries`` what a SELECT
returns, ``sources`` what stands in FROM, ``expressions`` what a value is made of, ``scope`` which column a name means.
What they hand each other are relations: columns with the base columns they come from, each in a role.

Importing this package is free; its modules load the SQL parser.
"""
