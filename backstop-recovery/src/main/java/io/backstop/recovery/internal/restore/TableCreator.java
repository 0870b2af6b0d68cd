package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.sql.NamesInUse;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.snapshot.schema.TableDescription;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Makes a described table with its sequences, ready for rows, which are its maker's alone. Stateless. */
final class TableCreator {
    /** Default privileges would show others the rows, without the policies that guarded them in the original. */
    private static final String GRANTS = "SELECT DISTINCT format('REVOKE ALL ON %s %s FROM %s', "
            + "CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, "
            + "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) "
            + "FROM pg_class c, aclexplode(relacl) a WHERE c.oid = to_regclass(?) AND a.grantee <> relowner";

    private TableCreator() {}

    /**
     * @param made the name to make it under
     * @param target the name that it is to have, for messages
     * @param others the restored sequences of other tables that its defaults are to draw from, by the originals
     * @return what its parts are called, and will be when they are made
     */
    static RestoredNames create(
            RecoveryTransaction transaction,
            TableDescription description,
            RelationName made,
            RelationName target,
            Map<String, RelationName> others)
            throws SQLException, RecoveryException {
        String schema = made.schema().orElseThrow();
        if (!transaction.holds("EXISTS (SELECT FROM pg_namespace WHERE nspname = ?)", schema)) {
            throw new RecoveryException(
                    "schema " + schema + " does not exist", "create it, or restore into a schema that exists");
        }
        RestoredNames names = RestoredNames.choose(description, made, NamesInUse.of(transaction, schema))
                .drawingFrom(others);
        TableDdlRunner.run(transaction, new TableDdl(description, names).beforeRows(), target);
        keepToItsMaker(transaction, names);
        return names;
    }

    private static void keepToItsMaker(RecoveryTransaction transaction, RestoredNames names) throws SQLException {
        List<String> relations = new ArrayList<>(List.of(names.target().quoted()));
        names.sequences().values().forEach(sequence -> relations.add(names.qualified(sequence)));
        for (String relation : relations) {
            for (String revoke : transaction.strings(GRANTS, relation)) {
                transaction.execute(revoke);
            }
        }
    }
}
