"""The ledger's databases: SQLite in one file, PostgreSQL for a team.

``database`` fulfils the port once for both; a dialect adds its connection (``connection``) and its SQL text
(``sql/*.sql``, ``migrations/*.sql``). One module per thing the ledger keeps holds the logic between the two.
"""
