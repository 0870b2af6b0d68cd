package io.backstop.recovery.internal.copyback;

import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerCapabilities;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Need;

import java.sql.SQLException;
import java.util.Optional;

/** Tells what a dependent needs and the database does not have. Used with its transaction. */
final class MissingRequirements {
    private final RecoveryTransaction transaction;

    MissingRequirements(RecoveryTransaction transaction) {
        this.transaction = transaction;
    }

    /** The first thing that is not there, as a sentence: {@code role bob does not exist}. */
    Optional<String> missing(Dependent dependent) throws SQLException {
        for (Need need : dependent.needs()) {
            if (!isThere(need)) {
                return Optional.of(sentence(need));
            }
        }
        return Optional.empty();
    }

    private boolean isThere(Need need) throws SQLException {
        return switch (need.kind()) {
            case "role" -> transaction.holds("EXISTS (SELECT FROM pg_roles WHERE rolname = ?)", need.name());
            case "grantor" ->
                transaction.holds(
                        "EXISTS (SELECT FROM pg_roles WHERE rolname = ? AND pg_has_role(oid, 'MEMBER'))", need.name());
            case "superuser" -> transaction.holds("current_setting('is_superuser') = 'on'");
            case "tablespace" ->
                transaction.holds(
                        "EXISTS (SELECT FROM pg_tablespace WHERE spcname = ? AND has_tablespace_privilege(oid, 'CREATE'))",
                        need.name());
            case "access method" -> transaction.holds("EXISTS (SELECT FROM pg_am WHERE amname = ?)", need.name());
            case "publication" ->
                transaction.holds("EXISTS (SELECT FROM pg_publication WHERE pubname = ?)", need.name());
            case "extension" -> transaction.holds("EXISTS (SELECT FROM pg_extension WHERE extname = ?)", need.name());
            case "compression" -> ServerCapabilities.knowsCompression(transaction, need.name());
            case "security label provider" -> ServerCapabilities.hasLoadedProvider(transaction, need.name());
            default -> throw new IllegalStateException("a need is of an unknown kind: " + need.kind());
        };
    }

    private static String sentence(Need need) {
        return switch (need.kind()) {
            case "grantor" -> "role " + need.name() + " does not exist, or is not one that you may act as";
            case "superuser" -> "only a superuser may do it";
            case "tablespace" -> "tablespace " + need.name() + " does not exist, or you may not use it";
            case "compression" -> "the server was built without compression by " + need.name();
            case "security label provider" -> "security label provider " + need.name() + " is not loaded";
            default -> need.kind() + " " + need.name() + " does not exist";
        };
    }
}
