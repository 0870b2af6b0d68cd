package io.backstop.recovery.internal.sql;

import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.sql.SQLException;
import java.util.List;

/**
 * Takes from what a script creates what the database's default privileges give to others: who may use it is told by the
 * grants that were stored with it. Immutable.
 *
 * @param ofRelations who gets something of views
 * @param ofRoutines who gets something of functions
 */
public record DefaultPrivileges(List<String> ofRelations, List<String> ofRoutines) {
    private static final String GRANTEES = "SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' "
            + "ELSE quote_ident(pg_get_userbyid(a.grantee)) END FROM pg_default_acl d, aclexplode(d.defaclacl) a "
            + "WHERE d.defaclobjtype::text = ? AND a.grantee <> d.defaclrole ORDER BY 1";

    public static DefaultPrivileges of(RecoveryTransaction transaction) throws SQLException {
        return new DefaultPrivileges(transaction.strings(GRANTEES, "r"), transaction.strings(GRANTEES, "f"));
    }

    /** The statements to run once it is created, while it belongs to its maker. */
    public List<String> undone(Dependent created) {
        return switch (created.kind()) {
            case VIEW, MATERIALIZED_VIEW ->
                ofRelations.isEmpty()
                        ? List.of()
                        : List.of("REVOKE ALL ON TABLE " + created.identity() + " FROM "
                                + String.join(", ", ofRelations));
            // Without any default privileges everybody may execute a function.
            case FUNCTION, PROCEDURE, AGGREGATE ->
                ofRoutines.isEmpty()
                        ? List.of()
                        : List.of(
                                "REVOKE ALL ON ROUTINE " + created.identity() + " FROM "
                                        + String.join(", ", ofRoutines),
                                "GRANT EXECUTE ON ROUTINE " + created.identity() + " TO PUBLIC");
            default -> List.of();
        };
    }
}
