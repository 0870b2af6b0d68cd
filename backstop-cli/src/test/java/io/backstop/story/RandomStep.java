package io.backstop.story;

import io.backstop.testing.TestDatabase;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** One statement that takes something away from what is in the schema {@code app}, or one of daily work in it. */
final class RandomStep {
    private static final String IN_APP = "'app'::regnamespace";

    private final TestDatabase database;
    private final Random random;

    RandomStep(TestDatabase database, Random random) {
        this.database = database;
        this.random = random;
    }

    /** Takes rows or definitions; nothing if there is nothing of the kind. The server may refuse it. */
    Optional<String> loss() throws SQLException {
        String cascade = random.nextInt(3) == 0 ? " CASCADE" : "";
        return switch (random.nextInt(31)) {
            case 0 -> table().map(t -> "DELETE FROM " + t);
            case 1, 2 -> table().map(t -> "DELETE FROM " + t + " WHERE id % 4 <> " + random.nextInt(4));
            case 3, 4 ->
                column("a.attgenerated = '' AND a.attidentity = '' AND NOT a.attnotnull")
                        .map(c -> "UPDATE " + c.table + " SET " + c.name + " = NULL");
            case 5 -> table().map(t -> "TRUNCATE " + t + cascade);
            case 6 -> table().map(t -> "TRUNCATE " + t + " RESTART IDENTITY" + cascade);
            case 7, 8 -> table().map(t -> "DROP TABLE " + t + cascade);
            case 9, 10 -> column("true").map(c -> "ALTER TABLE " + c.table + " DROP COLUMN " + c.name + cascade);
            case 11 ->
                column("a.atttypid IN ('int'::regtype, 'text'::regtype, 'bigint'::regtype)")
                        .map(c -> "ALTER TABLE " + c.table + " ALTER COLUMN " + c.name + " TYPE varchar(9) USING left("
                                + c.name + "::text, 9)");
            case 12, 13, 14 ->
                pick("SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM"
                                + " pg_constraint WHERE connamespace = " + IN_APP
                                + " AND conrelid <> 0 AND contype <> 't'"
                                + " AND coninhcount = 0")
                        .map(sql -> sql + cascade);
            case 15, 16 ->
                pick("SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index i JOIN pg_class c ON"
                                + " c.oid = indrelid WHERE relnamespace = " + IN_APP
                                + " AND NOT EXISTS (SELECT FROM pg_constraint"
                                + " WHERE conindid = indexrelid) AND NOT c.relispartition")
                        .map(sql -> sql + cascade);
            case 17, 18 ->
                pick("SELECT format(CASE relkind WHEN 'v' THEN 'DROP VIEW %s' ELSE 'DROP MATERIALIZED VIEW %s' END,"
                                + " oid::regclass) FROM pg_class WHERE relnamespace = " + IN_APP
                                + " AND relkind IN ('v', 'm')")
                        .map(sql -> sql + cascade);
            case 19 ->
                column("a.atthasdef AND a.attgenerated = ''")
                        .map(c -> "ALTER TABLE " + c.table + " ALTER COLUMN " + c.name + " DROP DEFAULT");
            case 20 ->
                column("a.attnotnull AND a.attidentity = ''")
                        .map(c -> "ALTER TABLE " + c.table + " ALTER COLUMN " + c.name + " DROP NOT NULL");
            case 21 ->
                pick("SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger t JOIN pg_class c"
                                + " ON c.oid = tgrelid WHERE relnamespace = " + IN_APP + " AND NOT tgisinternal")
                        .map(sql -> sql + cascade);
            case 22 ->
                pick("SELECT format('DROP POLICY %I ON %s', polname, polrelid::regclass) FROM pg_policy p JOIN pg_class c"
                                + " ON c.oid = polrelid WHERE relnamespace = " + IN_APP)
                        .map(sql -> sql + cascade);
            case 23 ->
                pick("SELECT format('DROP FUNCTION %s', oid::regprocedure) FROM pg_proc WHERE pronamespace = " + IN_APP)
                        .map(sql -> sql + cascade);
            case 24 ->
                pick("SELECT format('DROP TYPE %s', oid::regtype) FROM pg_type WHERE typnamespace = " + IN_APP
                                + " AND typtype = 'e' UNION ALL SELECT format('DROP DOMAIN %s', oid::regtype) FROM pg_type WHERE"
                                + " typnamespace = " + IN_APP + " AND typtype = 'd'")
                        .map(sql -> sql + cascade);
            case 25 ->
                pick("SELECT format('DROP SEQUENCE %s', oid::regclass) FROM pg_class WHERE relkind = 'S' AND relnamespace = "
                                + IN_APP)
                        .map(sql -> sql + cascade);
            case 26 ->
                pick("SELECT format('DROP STATISTICS %s.%I', stxnamespace::regnamespace, stxname) FROM pg_statistic_ext"
                        + " WHERE stxnamespace = " + IN_APP);
            case 27 ->
                table().map(t -> List.of(
                                "ALTER TABLE " + t + " DISABLE ROW LEVEL SECURITY",
                                "ALTER TABLE " + t + " RESET (fillfactor)",
                                "ALTER TABLE " + t + " ALTER COLUMN id SET STATISTICS -1")
                        .get(random.nextInt(3)));
            case 28 ->
                pick("SELECT format('ALTER SEQUENCE %s', oid::regclass) FROM pg_class WHERE relkind = 'S' AND relnamespace = "
                                + IN_APP)
                        .map(sql -> sql
                                + List.of(" INCREMENT 7", " RESTART", " OWNED BY NONE")
                                        .get(random.nextInt(3)));
            case 29 ->
                pick("SELECT format('ALTER FUNCTION %s', oid::regprocedure) FROM pg_proc WHERE pronamespace = "
                                + IN_APP)
                        .map(sql -> sql
                                + List.of(" COST 7", " SECURITY DEFINER", " SET work_mem = '8MB'")
                                        .get(random.nextInt(3)));
            case 30 ->
                pick("SELECT format('ALTER DOMAIN %s', oid::regtype) FROM pg_type WHERE typnamespace = " + IN_APP
                                + " AND typtype = 'd'")
                        .map(sql -> sql
                                + List.of(" SET DEFAULT 'x'", " DROP NOT NULL", " DROP CONSTRAINT short_check CASCADE")
                                        .get(random.nextInt(3)));
            default -> throw new IllegalStateException();
        };
    }

    /** What an application or a migration does all day, and loses nothing. */
    Optional<String> work() throws SQLException {
        int number = random.nextInt(1_000_000);
        return switch (random.nextInt(7)) {
            case 0, 1 ->
                table().map(t ->
                        "INSERT INTO " + t + " (id) " + "OVERRIDING SYSTEM VALUE VALUES (" + (2000 + number) + ")");
            case 2 ->
                column("a.attgenerated = '' AND a.attidentity = '' AND NOT a.attnotnull")
                        .map(c -> "UPDATE " + c.table + " SET " + c.name + " = NULL WHERE id = "
                                + (1 + random.nextInt(20)));
            case 3 -> table().map(t -> "DELETE FROM " + t + " WHERE id = " + (1 + random.nextInt(20)));
            case 4 -> table().map(t -> "ALTER TABLE " + t + " ADD COLUMN n" + number + " int DEFAULT 4");
            case 5 ->
                column("a.atttypid = 'text'::regtype")
                        .map(c -> "CREATE INDEX i" + number + " ON " + c.table + " (" + c.name + ")");
            case 6 -> table().map(t -> "CREATE VIEW app.x" + number + " AS SELECT id FROM " + t);
            default -> throw new IllegalStateException();
        };
    }

    private record ColumnName(String table, String name) {}

    private Optional<ColumnName> column(String which) throws SQLException {
        return pick("SELECT c.oid::regclass || ' ' || quote_ident(a.attname) FROM pg_class c JOIN pg_attribute a ON attrelid ="
                        + " c.oid AND attnum > 0 AND NOT attisdropped WHERE relnamespace = " + IN_APP
                        + " AND relkind IN ('r', 'p') AND NOT relispartition AND attname <> 'id' AND (" + which + ")")
                .map(text -> text.split(" ", 2))
                .map(parts -> new ColumnName(parts[0], parts[1]));
    }

    private Optional<String> table() throws SQLException {
        return pick("SELECT oid::regclass FROM pg_class WHERE relnamespace = " + IN_APP
                + " AND relkind IN ('r', 'p') AND NOT" + " relispartition");
    }

    private Optional<String> pick(String query) throws SQLException {
        List<String> found = database.rows("SELECT x.* FROM (" + query + ") x ORDER BY 1");
        return found.isEmpty() ? Optional.empty() : Optional.of(found.get(random.nextInt(found.size())));
    }
}
