"""Why a database is not available, in words that are fixed here: its own message could hold a name or a password."""

from typing import Any

# Servers and libpq say why a connection failed in words alone, without an SQLSTATE. What a server says in another
# language is recognised by whether it has asked for a password.
_CONNECTION_FAILURES = {
    "failed to resolve host": "host name not resolved",
    "Connection refused": "connection refused: nothing listens at that host and port",
    "timeout expired": "no answer in time",
    "No such file or directory": "nothing listens at that socket",
    "password authentication failed": "user or password refused",
    "no password supplied": "password needed",
    "no pg_hba.conf entry": "not admitted by pg_hba.conf",
    "is not permitted to log in": "this user may not log in",
    "SSL was required": "the server has no TLS",
    "certificate verify failed": "the certificate of the server is not trusted",
    "too many clients": "too many connections",
    "remaining connection slots": "too many connections",
    "the database system is": "the server is starting or stopping",
    "server closed the connection": "the server closed the connection",
}
_MISSING = {"FATAL:  database ": "no such database", "FATAL:  role ": "no such user"}


def reason_of(error: Exception) -> str:
    """The reason in words for a connection to PostgreSQL that failed; otherwise the error code of the database."""
    cause = getattr(error, "orig", error)
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    if not code and hasattr(cause, "pgconn"):  # of psycopg, which costs 9 MB to import where SQLite is used
        return _why_not_connected(cause)
    return str(code or type(cause).__name__)


def _why_not_connected(error: Any) -> str:
    message = str(error)
    for words, reason in _CONNECTION_FAILURES.items():
        if words in message:
            return reason
    for words, reason in _MISSING.items():
        if words in message and "does not exist" in message:
            return reason
    return _by_password(error.pgconn) or type(error).__name__


def _by_password(connection: Any) -> str:
    if connection is None or not connection.used_password:
        return ""
    return "password needed" if connection.needs_password else "refused after the password was sent"
