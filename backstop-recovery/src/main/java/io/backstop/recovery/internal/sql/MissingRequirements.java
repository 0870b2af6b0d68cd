package io.backstop.recovery.internal.sql;

import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Requirement;

import java.sql.SQLException;
import java.util.Optional;

/** Tells what a dependent needs and the database does not have. Used with its transaction. */
public final class MissingRequirements {
    private final RecoveryTransaction transaction;

    public MissingRequirements(RecoveryTransaction transaction) {
        this.transaction = transaction;
    }

    /** The first thing that is not there, as a sentence: {@code role bob does not exist}. */
    public Optional<String> missing(Dependent dependent) throws SQLException {
        for (Requirement need : dependent.needs()) {
            if (!isThere(need)) {
                return Optional.of(sentence(need));
            }
        }
        return Optional.empty();
    }

    private boolean isThere(Requirement need) throws SQLException {
        return switch (need.kind()) {
            case ROLE -> transaction.holds("EXISTS (SELECT FROM pg_roles WHERE rolname = ?)", need.name());
            case GRANTOR ->
                transaction.holds(
                        "EXISTS (SELECT FROM pg_roles WHERE rolname = ? AND pg_has_role(oid, 'MEMBER'))", need.name());
            case SUPERUSER -> transaction.holds("current_setting('is_superuser') = 'on'");
            case TABLESPACE ->
                transaction.holds(
                        "EXISTS (SELECT FROM pg_tablespace WHERE spcname = ? AND has_tablespace_privilege(oid, 'CREATE'))",
                        need.name());
            case ACCESS_METHOD -> transaction.holds("EXISTS (SELECT FROM pg_am WHERE amname = ?)", need.name());
            case PUBLICATION -> transaction.holds("EXISTS (SELECT FROM pg_publication WHERE pubname = ?)", need.name());
            case EXTENSION -> transaction.holds("EXISTS (SELECT FROM pg_extension WHERE extname = ?)", need.name());
            case COMPRESSION -> ServerCapabilities.knowsCompression(transaction, need.name());
            case SECURITY_LABEL_PROVIDER -> ServerCapabilities.hasLoadedProvider(transaction, need.name());
        };
    }

    private static String sentence(Requirement need) {
        return switch (need.kind()) {
            case GRANTOR -> "role " + need.name() + " does not exist, or is not one that you may act as";
            case SUPERUSER -> "only a superuser may do it";
            case TABLESPACE -> "tablespace " + need.name() + " does not exist, or you may not use it";
            case COMPRESSION -> "the server was built without compression by " + need.name();
            case SECURITY_LABEL_PROVIDER -> "security label provider " + need.name() + " is not loaded";
            case ROLE, ACCESS_METHOD, PUBLICATION, EXTENSION -> need.kind() + " " + need.name() + " does not exist";
        };
    }
}
