package io.backstop.cli.option;

import java.sql.SQLException;

/** Says what to look at where a server does not take a connection. Stateless. */
final class ConnectionFailure {
    private ConnectionFailure() {}

    /** The same failure, with a hint where its SQLSTATE (PostgreSQL documentation, appendix A) tells the kind. */
    static SQLException hinted(SQLException failure, DatabaseAddress address) {
        String hint = hint(String.valueOf(failure.getSQLState()), address);
        return hint.isEmpty()
                ? failure
                : new SQLException(failure.getMessage() + "\nHINT: " + hint, failure.getSQLState(), failure);
    }

    private static String hint(String state, DatabaseAddress address) {
        return switch (state) {
            // pgjdbc has this for a login for which it lacks a password or a method, and for a refused encryption.
            case "08004" -> "check the password (PGPASSWORD, ~/.pgpass) and sslmode against what the server asks for";
            case "28P01", "28000" -> "check the user and the password, and what pg_hba.conf of the server lets in";
            case "3D000" -> "check the name of the database in " + address;
            case "42501" -> "check that the user may connect to that database (GRANT CONNECT)";
            case "53300" -> "try again when the server has fewer connections, or raise its limit";
            case "57P03" -> "try again when the server has started";
            default ->
                state.startsWith("08")
                        ? "check host and port of " + address.hostAndPort() + ", and that the server runs there"
                        : "";
        };
    }
}
