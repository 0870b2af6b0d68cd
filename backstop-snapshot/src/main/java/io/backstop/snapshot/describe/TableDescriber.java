package io.backstop.snapshot.describe;

import io.backstop.snapshot.internal.catalog.CatalogQuery;
import io.backstop.snapshot.internal.catalog.ForeignTableQueries;
import io.backstop.snapshot.internal.catalog.TableQueries;
import io.backstop.snapshot.schema.ForeignTable;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.ColumnSettings;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.ForeignKey;
import io.backstop.snapshot.schema.TableDescription.Generated;
import io.backstop.snapshot.schema.TableDescription.Index;
import io.backstop.snapshot.schema.TableDescription.IndexSettings;
import io.backstop.snapshot.schema.TableDescription.MatchType;
import io.backstop.snapshot.schema.TableDescription.Partition;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import io.backstop.snapshot.schema.TableDescription.ReferentialAction;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Describes tables without their rows, from the catalog of PostgreSQL 14 to 18. The number of queries does not depend
 * on the number of tables. Stateless, thread-safe.
 */
public final class TableDescriber {
    /**
     * Describes the tables as they are for this session's transaction. What the description is to be true of has to be
     * under lock.
     *
     * @param oids ordinary, partitioned and foreign tables; those that do not exist are left out
     * @return the descriptions by oid, in the order asked for
     */
    public Map<Long, TableDescription> describe(Connection connection, Collection<Long> oids) throws SQLException {
        return describe(connection, oids, List.of());
    }

    /**
     * The same, and beside what the tables need, other objects that are to be made again where they are missing.
     *
     * @param besides functions, types, sequences and the like, which the first of the tables is said to need
     */
    public Map<Long, TableDescription> describe(
            Connection connection, Collection<Long> oids, Collection<ObjectAddress> besides) throws SQLException {
        try (QualifiedNames names = QualifiedNames.in(connection)) {
            return names.whileQualified(() -> {
                Map<Long, List<Header>> headers = TableQueries.HEADERS.rows(connection, oids, Header::read);
                return read(connection, oids, headers, Definitions.read(connection, oids, besides, headers));
            });
        }
    }

    /** Describes one table by its name, if there is one. */
    public Optional<TableDescription> describe(Connection connection, String schema, String table) throws SQLException {
        try (var statement = connection.prepareStatement("SELECT c.oid FROM pg_catalog.pg_class c "
                + "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                + "WHERE n.nspname = ? AND c.relname = ? AND c.relkind IN ('r', 'p', 'f')")) {
            statement.setString(1, schema);
            statement.setString(2, table);
            try (ResultSet result = statement.executeQuery()) {
                return result.next()
                        ? describe(connection, List.of(result.getLong(1))).values().stream()
                                .findFirst()
                        : Optional.empty();
            }
        }
    }

    /**
     * Describes what tables' rows are made of, for rows that only ever go back into the table that they are from: columns and
     * sequences. Says of each what it leaves out.
     */
    public Map<Long, TableDescription> describeRows(Connection connection, Collection<Long> oids) throws SQLException {
        try (QualifiedNames names = QualifiedNames.in(connection)) {
            return names.whileQualified(() -> {
                Map<Long, List<Header>> headers = TableQueries.HEADERS.rows(connection, oids, Header::read);
                Map<Long, TableDescription> rows = read(connection, oids, headers, Definitions.NONE);
                rows.replaceAll((oid, table) -> table.ofRowsAlone());
                return rows;
            });
        }
    }

    private static Map<Long, TableDescription> read(
            Connection connection, Collection<Long> oids, Map<Long, List<Header>> headers, Definitions definitions)
            throws SQLException {
        Map<Long, List<OwnedSequence>> sequences = OwnedSequence.read(connection, oids);
        Map<Long, List<Column>> columns = TableQueries.COLUMNS.rows(
                connection, oids, row -> column(row, sequences.getOrDefault(row.getLong(1), List.of())));
        Map<Long, TableDescription> descriptions = new LinkedHashMap<>();
        for (Long oid : oids) {
            if (headers.containsKey(oid)) {
                Header header = one(headers, oid);
                descriptions.put(
                        oid,
                        new TableDescription(
                                header.schema(),
                                header.name(),
                                header.owner(),
                                header.unlogged(),
                                header.options(),
                                header.comment(),
                                columns.getOrDefault(oid, List.of()),
                                sequences.getOrDefault(oid, List.of()).stream()
                                        .map(OwnedSequence::sequence)
                                        .toList(),
                                definitions.constraints().getOrDefault(oid, List.of()),
                                definitions.indexes().getOrDefault(oid, List.of()),
                                definitions.dependents().getOrDefault(oid, List.of()),
                                header.partitionKey(),
                                header.tablespace(),
                                header.accessMethod(),
                                definitions.prerequisites().getOrDefault(oid, List.of()),
                                header.omissions(),
                                Optional.ofNullable(definitions.foreign().get(oid)),
                                definitions.partitions().getOrDefault(oid, List.of())));
            }
        }
        return descriptions;
    }

    private static Header one(Map<Long, List<Header>> headers, Long oid) {
        List<Header> rows = headers.getOrDefault(oid, List.of());
        if (rows.size() != 1) {
            throw new IllegalStateException("the catalog knows table " + oid + " only in part; it has to be locked");
        }
        return rows.get(0);
    }

    private static Column column(ResultSet row, List<OwnedSequence> sequences) throws SQLException {
        String name = row.getString("name");
        Optional<String> expression = Optional.ofNullable(row.getString("expression"));
        return new Column(
                name,
                row.getString("type"),
                Optional.ofNullable(row.getString("collation")),
                row.getBoolean("not_null"),
                expression.filter(e -> sequences.stream().noneMatch(s -> s.isDefaultOf(name, e))),
                generated(row.getString("generated"), row.getString("identity")),
                new ColumnSettings(
                        Optional.ofNullable(row.getString("storage")),
                        Optional.ofNullable(row.getString("compression")),
                        Optional.ofNullable(row.getString("statistics")).map(Integer::valueOf),
                        CatalogQuery.texts(row, "options")),
                Optional.ofNullable(row.getString("comment")));
    }

    private static Generated generated(String generated, String identity) {
        return switch (generated + identity) {
            case "" -> Generated.NO;
            case "s" -> Generated.STORED;
            case "v" -> Generated.VIRTUAL;
            case "a" -> Generated.IDENTITY_ALWAYS;
            case "d" -> Generated.IDENTITY_BY_DEFAULT;
            default -> throw new IllegalStateException("a column is generated in an unknown way: " + generated);
        };
    }

    private static Constraint constraint(ResultSet row, String table) throws SQLException {
        String definition = row.getString("definition");
        if (row.getBoolean("self")) {
            definition = definition.replace(") REFERENCES " + table + "(", ") REFERENCES " + Constraint.SELF + "(");
        }
        ConstraintKind kind = kind(row.getString("kind"));
        return new Constraint(
                row.getString("name"),
                kind,
                CatalogQuery.texts(row, "columns"),
                definition,
                row.getBoolean("validated"),
                row.getBoolean("no_inherit"),
                Optional.ofNullable(row.getString("comment")),
                row.getBoolean("indexed") ? Optional.of(settings(row)) : Optional.empty(),
                kind == ConstraintKind.FOREIGN_KEY ? Optional.of(foreignKey(row)) : Optional.empty());
    }

    private static ForeignKey foreignKey(ResultSet row) throws SQLException {
        return new ForeignKey(
                row.getString("referenced_schema"),
                row.getString("referenced_table"),
                CatalogQuery.texts(row, "referenced_columns"),
                row.getBoolean("self"),
                match(row.getString("match")),
                action(row.getString("on_update")),
                action(row.getString("on_delete")),
                CatalogQuery.texts(row, "on_delete_columns"),
                row.getBoolean("deferrable"),
                row.getBoolean("deferred"));
    }

    /** As pg_constraint has it (PostgreSQL documentation, 53.13). */
    private static MatchType match(String type) {
        return switch (type) {
            case "s" -> MatchType.SIMPLE;
            case "f" -> MatchType.FULL;
            case "p" -> MatchType.PARTIAL;
            default -> throw new IllegalStateException("a foreign key matches in an unknown way: " + type);
        };
    }

    private static ReferentialAction action(String action) {
        return switch (action) {
            case "a" -> ReferentialAction.NO_ACTION;
            case "r" -> ReferentialAction.RESTRICT;
            case "c" -> ReferentialAction.CASCADE;
            case "n" -> ReferentialAction.SET_NULL;
            case "d" -> ReferentialAction.SET_DEFAULT;
            default -> throw new IllegalStateException("a foreign key has an unknown action: " + action);
        };
    }

    /** Statistics come as column and target by turns. */
    private static IndexSettings settings(ResultSet row) throws SQLException {
        List<String> targets = CatalogQuery.texts(row, "statistics");
        Map<Integer, Integer> statistics = new LinkedHashMap<>();
        for (int i = 0; i < targets.size(); i += 2) {
            statistics.put(Integer.valueOf(targets.get(i)), Integer.valueOf(targets.get(i + 1)));
        }
        return new IndexSettings(
                CatalogQuery.texts(row, "options"),
                Optional.ofNullable(row.getString("tablespace")),
                statistics,
                Optional.ofNullable(row.getString("index_comment")));
    }

    private static ConstraintKind kind(String kind) {
        return switch (kind) {
            case "n" -> ConstraintKind.NOT_NULL;
            case "c" -> ConstraintKind.CHECK;
            case "p" -> ConstraintKind.PRIMARY_KEY;
            case "u" -> ConstraintKind.UNIQUE;
            case "x" -> ConstraintKind.EXCLUSION;
            case "f" -> ConstraintKind.FOREIGN_KEY;
            default -> throw new IllegalStateException("a constraint is of the unknown kind " + kind);
        };
    }

    private static Index index(ResultSet row) throws SQLException {
        String definition = row.getString("definition");
        String head = row.getString("head");
        if (!definition.startsWith(head)) {
            throw new IllegalStateException("the index definition \"" + definition + "\" does not begin as expected");
        }
        return new Index(
                row.getString("name"),
                row.getBoolean("unique"),
                row.getString("method"),
                row.getBoolean("partial"),
                definition.substring(head.length()),
                settings(row));
    }

    /** What hangs on tables and what they need, by their oids. */
    private record Definitions(
            Map<Long, List<Constraint>> constraints,
            Map<Long, List<Index>> indexes,
            Map<Long, List<Dependent>> dependents,
            Map<Long, ForeignTable> foreign,
            Map<Long, List<Partition>> partitions,
            Map<Long, List<Prerequisite>> prerequisites) {
        static final Definitions NONE = new Definitions(Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), Map.of());

        static Definitions read(
                Connection connection,
                Collection<Long> oids,
                Collection<ObjectAddress> besides,
                Map<Long, List<Header>> headers)
                throws SQLException {
            return new Definitions(
                    TableQueries.CONSTRAINTS.rows(
                            connection,
                            oids,
                            row -> constraint(row, one(headers, row.getLong(1)).qualified())),
                    TableQueries.INDEXES.rows(connection, oids, TableDescriber::index),
                    new DependentReader(connection).read(oids),
                    ForeignTableQueries.read(connection, oids),
                    TableQueries.PARTITIONS.rows(
                            connection, oids, row -> new Partition(row.getString("schema"), row.getString("name"))),
                    new PrerequisiteReader(connection).read(oids, besides));
        }
    }

    private record Header(
            String schema,
            String name,
            String qualified,
            String owner,
            boolean unlogged,
            List<String> options,
            Optional<String> comment,
            Optional<String> partitionKey,
            Optional<String> tablespace,
            Optional<String> accessMethod,
            List<String> omissions) {
        static Header read(ResultSet row) throws SQLException {
            return new Header(
                    row.getString("schema"),
                    row.getString("name"),
                    row.getString("qualified"),
                    row.getString("owner"),
                    row.getBoolean("unlogged"),
                    CatalogQuery.texts(row, "options"),
                    Optional.ofNullable(row.getString("comment")),
                    Optional.ofNullable(row.getString("partition_key")),
                    Optional.ofNullable(row.getString("tablespace")),
                    Optional.ofNullable(row.getString("access_method")),
                    CatalogQuery.texts(row, "omissions"));
        }
    }
}
