package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.snapshot.internal.reach.CascadeClosure.Reach;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.internal.session.SearchPath;

import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds every table that a statement takes rows from: those that it names, as the server would understand the names in
 * this session, and those reached through partitions, inheritance, foreign keys, views and CASCADE. Stateless.
 */
public final class BlastRadiusResolver {
    /** An identifier that needs no quotes and holds a letter beyond ASCII (PostgreSQL documentation, 4.1.1). */
    private static final Pattern BEYOND_ASCII =
            Pattern.compile("(?=.*[^\\x00-\\x7F])[a-z_[^\\x00-\\x7F]][a-z0-9_$[^\\x00-\\x7F]]*");

    /** Below it are those that initdb made (PostgreSQL's FirstNormalObjectId). */
    private static final long FIRST_NORMAL_OID = 16_384;

    private final CallerSession session;
    private final SearchPath path;

    public BlastRadiusResolver(CallerSession session, SearchPath path) {
        this.session = session;
        this.path = path;
    }

    public BlastRadius resolve(SnapshotRequest request) throws SQLException, RecoveryNotReadyException {
        Set<Reach> reached = new LinkedHashSet<>();
        ObjectCascade cascade = ObjectCascade.of(session, path, request.definitions());
        for (Destruction destruction : request.destructions()) {
            spread(destruction.kind() == Destruction.Kind.DROP_OBJECT ? cascade.tables() : begin(destruction), reached);
        }
        List<Reach> beside = new ArrayList<>();
        for (String companion : request.companions()) {
            beside.add(new Reach(companion(companion), Effect.KEPT));
        }
        StoredRowTypes.refuse(session, with(Effect.ALTERED, reached));
        spread(beside, reached);
        spread(new RedefinedTables(session, path).of(request.definitions()), reached);
        spread(cascade.redefined(), reached);
        cascade.requireStored(reached);
        return radius(reached);
    }

    /** The tables themselves, to be saved while others use them, with their partitions and children. */
    public BlastRadius kept(List<RelationName> tables) throws SQLException, RecoveryNotReadyException {
        List<Reach> begin = new ArrayList<>();
        for (RelationName table : tables) {
            long oid = oid(table)
                    .orElseThrow(() -> new RecoveryNotReadyException(
                            "table " + table + " does not exist", "name it as schema.name"));
            if (oid < FIRST_NORMAL_OID) {
                throw new RecoveryNotReadyException(
                        table + " belongs to the server itself", "name tables that hold the users' rows");
            }
            begin.add(new Reach(oid, Effect.KEPT));
        }
        Set<Reach> reached = new LinkedHashSet<>();
        spread(begin, reached);
        BlastRadius radius = radius(reached);
        for (int i = 0; i < begin.size(); i++) {
            BlastRadius.Reached named = radius.tables().get(begin.get(i).oid());
            if (named != null && named.relation().isForeign()) {
                throw onAnotherServer(named.relation(), "save them there");
            }
            if (named == null) {
                throw new RecoveryNotReadyException(
                        tables.get(i) + " is not a table with rows of its own", "name the tables that it reads from");
            }
        }
        return radius;
    }

    private static List<Long> with(Effect effect, Collection<Reach> reached) {
        return reached.stream()
                .filter(reach -> reach.effect() == effect)
                .map(Reach::oid)
                .toList();
    }

    private Collection<Reach> begin(Destruction destruction) throws SQLException, RecoveryNotReadyException {
        Optional<Effect> effect = effect(destruction);
        if (effect.isEmpty()) {
            return List.of();
        }
        if (destruction.kind() == Destruction.Kind.DROP_SCHEMA) {
            return contents(destruction.relations());
        }
        List<Reach> begin = new ArrayList<>();
        for (RelationName name : destruction.relations()) {
            oid(name).ifPresent(oid -> begin.add(new Reach(oid, effect.get())));
        }
        if (effect.get() == Effect.DROPPED_CASCADE) {
            List<Long> dropped = with(Effect.DROPPED_CASCADE, begin);
            StoredRowTypes.refuseDropCascade(session, CascadeClosure.ITSELF.formatted(CallerSession.array(dropped)));
        }
        return begin;
    }

    /** Empty where no rows go: a view alone, or a schema that has to be empty to be dropped. */
    public static Optional<Effect> effect(Destruction destruction) throws RecoveryNotReadyException {
        boolean cascade = destruction.cascade();
        return switch (destruction.kind()) {
            case DELETE -> Optional.of(Effect.DELETED);
            case UPDATE -> Optional.of(Effect.UPDATED);
            case TRUNCATE -> Optional.of(cascade ? Effect.TRUNCATED_CASCADE : Effect.TRUNCATED);
            case DROP_TABLE -> Optional.of(cascade ? Effect.DROPPED_CASCADE : Effect.DROPPED);
            case DROP_VIEW, DROP_MATERIALIZED_VIEW, DROP_SCHEMA, DROP_OBJECT ->
                cascade ? Optional.of(Effect.DROPPED_CASCADE) : Optional.empty();
            case ALTER_TABLE -> Optional.of(Effect.ALTERED);
            case UNRECOVERABLE ->
                throw new RecoveryNotReadyException(
                        "the statement destroys what no snapshot of tables brings back",
                        "take a backup of the whole database and let somebody run it who may");
        };
    }

    /** As the server will understand the name: by the session's search path, temporary tables first. */
    public Optional<Long> oid(RelationName name) throws SQLException {
        String lookup = "SELECT coalesce(" + lookup(name.quoted()) + ", " + lookup(foldedByServer(name)) + ")";
        return path.rowsAlongCallers(lookup, row -> Optional.ofNullable(row.getString(1)))
                .get(0)
                .map(Long::valueOf);
    }

    private static String lookup(String name) {
        return "pg_catalog.to_regclass(" + SqlSpelling.escapedLiteral(name) + ")::pg_catalog.oid";
    }

    /** An unquoted name arrives folded in ASCII; a server with a single-byte encoding folds letters beyond it as well. */
    private static String foldedByServer(RelationName name) {
        return name.schema().map(schema -> unquoted(schema) + ".").orElse("") + unquoted(name.name());
    }

    private static String unquoted(String part) {
        return BEYOND_ASCII.matcher(part).matches() ? part : RelationName.quote(part);
    }

    private long companion(String name) throws SQLException, RecoveryNotReadyException {
        int dot = name.indexOf('.');
        RelationName relation =
                dot < 0 ? RelationName.of(name) : RelationName.of(name.substring(0, dot), name.substring(dot + 1));
        return oid(relation)
                .orElseThrow(() -> new RecoveryNotReadyException(
                        "table " + name + " of the recovery group does not exist",
                        "correct recovery_groups in the policy"));
    }

    /**
     * What goes with schemas and views beside tables; to be asked under lock.
     *
     * @throws RecoveryNotReadyException where it could not be brought back
     */
    public StandaloneObjects standalone(List<Destruction> destructions, BlastRadius radius)
            throws SQLException, RecoveryNotReadyException {
        StandaloneObjects all = StandaloneObjects.NONE;
        for (Destruction destruction : destructions) {
            if (!destruction.cascade()) {
                continue;
            }
            switch (destruction.kind()) {
                case DROP_SCHEMA -> {
                    boolean withTables = !radius.tables().isEmpty();
                    all = all.and(StandaloneObjects.of(session, schemas(destruction.relations()), withTables));
                }
                case DROP_VIEW, DROP_MATERIALIZED_VIEW -> {
                    List<Long> views = new ArrayList<>();
                    for (RelationName view : destruction.relations()) {
                        oid(view).ifPresent(views::add);
                    }
                    all = all.and(StandaloneObjects.of(
                            session, CascadeClosure.ITSELF.formatted(CallerSession.array(views)), false));
                }
                case DROP_OBJECT, DROP_TABLE, ALTER_TABLE, TRUNCATE, DELETE, UPDATE, UNRECOVERABLE -> {}
            }
        }
        return all;
    }

    private static String schemas(List<RelationName> schemas) {
        List<String> names = schemas.stream()
                .map(schema -> SqlSpelling.escapedLiteral(schema.name()))
                .toList();
        return "SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid, oid, 0 "
                + "FROM pg_catalog.pg_namespace WHERE nspname IN (" + String.join(",", names) + ")";
    }

    private List<Reach> contents(List<RelationName> schemas) throws SQLException, RecoveryNotReadyException {
        String begin = schemas(schemas);
        StoredRowTypes.refuseDropCascade(session, begin);
        return session.rows(CascadeClosure.GONE.formatted(begin), Reach::read);
    }

    private void spread(Collection<Reach> begin, Set<Reach> reached) throws SQLException {
        Deque<Reach> open = new ArrayDeque<>();
        begin.stream().filter(reached::add).forEach(open::add);
        while (!open.isEmpty()) {
            Map<Effect, Set<Long>> round = new EnumMap<>(Effect.class);
            open.forEach(r -> round.computeIfAbsent(r.effect(), e -> new LinkedHashSet<>())
                    .add(r.oid()));
            open.clear();
            for (Map.Entry<Effect, Set<Long>> same : round.entrySet()) {
                CascadeClosure.from(session, same.getKey(), same.getValue()).stream()
                        .filter(reached::add)
                        .forEach(open::add);
            }
        }
    }

    private BlastRadius radius(Set<Reach> reached) throws SQLException, RecoveryNotReadyException {
        Map<Long, Relation> relations =
                Relation.read(session, reached.stream().map(Reach::oid).toList());
        Map<Long, BlastRadius.Reached> tables = new HashMap<>();
        for (Reach reach : reached) {
            Relation relation = relations.get(reach.oid());
            if (relation == null) {
                continue; // gone since; the look is repeated under lock
            }
            refuseWhatCannotBeSaved(relation, reach.effect());
            if (relation.isTable() || relation.isForeign()) {
                tables.merge(
                        relation.oid(),
                        new BlastRadius.Reached(relation, reach.effect()),
                        (a, b) -> Comparator.comparing(BlastRadius.Reached::effect)
                                                .compare(a, b)
                                        >= 0
                                ? a
                                : b);
            }
        }
        return new BlastRadius(tables);
    }

    private static void refuseWhatCannotBeSaved(Relation relation, Effect effect) throws RecoveryNotReadyException {
        if (relation.system() && effect != Effect.KEPT && !effect.takesDefinitionsAlone()) {
            throw new RecoveryNotReadyException(
                    "relation " + relation.name() + " belongs to PostgreSQL itself",
                    "change the catalog through the commands that PostgreSQL has for it");
        }
        if (relation.isForeign() && effect.reachesForeignRows()) {
            throw onAnotherServer(relation, "run the statement there, behind a Backstop of its own");
        }
        if (relation.replaced() && (effect == Effect.UPDATED || effect == Effect.DELETED)) {
            throw new RecoveryNotReadyException(
                    "view " + relation.name() + " has rules or INSTEAD OF triggers, so what a write to it takes away "
                            + "cannot be known",
                    "write to the tables beneath it");
        }
    }

    private static RecoveryNotReadyException onAnotherServer(Relation relation, String hint) {
        return new RecoveryNotReadyException(
                "foreign table " + relation.name() + " has its rows on another server", hint);
    }
}
