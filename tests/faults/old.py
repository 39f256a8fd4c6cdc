"""Databases of earlier schema steps, full of accounts, as those who come from
an earlier version have them."""

import os
import sqlite3
import time
from contextlib import closing

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../sql/schema")
STEPS = sorted(os.listdir(FOLDER))
NEWEST = len(STEPS)
LOGINS = 3                      # of each user


def make(path, step, users):
    """One of that step, with user0 and so on, who have three logins each."""
    now = int(time.time() * 1e6)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN")
        for number, name in enumerate(STEPS[:step], 1):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                for statement in file.read().split(";\n"):
                    database.execute(statement)
            database.execute("INSERT INTO schema_steps VALUES (?, ?, 1, ?)",
                             (number, name.removesuffix(".sql"), now))
        database.executemany(
            "INSERT INTO users (id, email, email_key, username, username_key, "
            "password, created_at) VALUES (?1, ?1 || '@x.example', ?1 || "
            "'@x.example', ?1, ?1, '-', ?2)",
            ((f"user{number}", now) for number in range(users)))
        database.executemany(
            "INSERT INTO logins (id, user_id, created_at, last_used_at, "
            "expires_at) VALUES (?1, ?2, ?3, ?3, ?3 + 1000000000)",
            ((f"login{number}", f"user{number // LOGINS}", now)
             for number in range(LOGINS * users)))
        database.execute(f"PRAGMA user_version = {step}")
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.chmod(path, 0o600)


def look(path, steps, users):
    """What is wrong with one that should have all of that, at one of these
    steps; a list."""
    with closing(sqlite3.connect(path, timeout=10)) as database:
        def ask(query):
            return database.execute(query).fetchone()[0]
        try:
            step = ask("PRAGMA user_version")
            found = [ask("PRAGMA integrity_check"), step in steps,
                     ask("SELECT count(*) FROM users"),
                     ask("SELECT count(*) FROM logins"),
                     ask("SELECT count(*) FROM schema_steps") == step]
        except sqlite3.Error as error:
            return [f"{path}: {error}"]
    wanted = ["ok", True, users, LOGINS * users, True]
    return [] if found == wanted else [f"{path}: step {step}, {found}"]
