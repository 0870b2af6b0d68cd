package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.ForeignKey;
import io.backstop.snapshot.schema.TableDescription.MatchType;
import io.backstop.snapshot.schema.TableDescription.Place;
import io.backstop.snapshot.schema.TableDescription.ReferentialAction;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

/**
 * An archive that was written before foreign keys, kinds and names were data: {@code earlier/zoo.sql} made the tables on
 * PostgreSQL 15, {@code snapshots create --format text} stored them.
 */
@ExtendWith(PostgresExtension.class)
class EarlierArchiveTest {
    private final TestDatabase database;
    private final Path folder;
    private final ObjectStore store;
    private final SnapshotArchive archive;

    EarlierArchiveTest(TestDatabase database, @TempDir Path folder) throws IOException {
        this.database = database;
        this.folder = folder;
        unpack();
        this.store = ObjectStores.open(folder.toUri().toString());
        this.archive = new SnapshotArchive(store);
    }

    private void unpack() throws IOException {
        try (ZipInputStream zip = new ZipInputStream(resource("zoo-archive.zip"))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Path file = folder.resolve(entry.getName()).normalize();
                assertThat(file.startsWith(folder)).as(entry.getName()).isTrue();
                Files.createDirectories(Objects.requireNonNull(file.getParent()));
                Files.copy(zip, file);
            }
        }
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(EarlierArchiveTest.class.getResourceAsStream("/earlier/" + name), name);
    }

    @BeforeEach
    void startEmpty() throws SQLException {
        database.run(
                "DROP SCHEMA IF EXISTS zoo CASCADE",
                "DROP SCHEMA IF EXISTS \"Odd Schema\" CASCADE",
                "DO $$ BEGIN CREATE ROLE zoo_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private static String setup() throws IOException {
        try (InputStream sql = resource("zoo.sql")) {
            return new String(sql.readAllBytes(), StandardCharsets.UTF_8).replace("CREATE ROLE zoo_reader;", "");
        }
    }

    /**
     * Everything of both schemas that a restore brings back. PostgreSQL 15 had no
     * names for NOT NULL constraints and no MAINTAIN privilege, so the archive cannot tell of them.
     */
    private List<String> contents() throws SQLException {
        List<String> all = new ArrayList<>(TableContents.of(database, "zoo"));
        all.addAll(database.rows("SELECT * FROM \"Odd Schema\".\"Odd, Table\" ORDER BY 1"));
        all.addAll(database.rows("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                + "WHERE conrelid = '\"Odd Schema\".\"Odd, Table\"'::regclass ORDER BY 1"));
        return all.stream()
                .filter(line -> !line.contains("_not_null|"))
                .map(line -> line.replace("=arwdDxtm/", "=arwdDxt/"))
                .toList();
    }

    private TableDescription description(String table) throws IOException {
        SnapshotManifest manifest = archive.list().stream()
                .filter(m -> m.table().equals(table))
                .findFirst()
                .orElseThrow();
        return archive.description(manifest);
    }

    private static Constraint constraint(TableDescription table, String name) {
        return table.constraints().stream()
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void comes_back_whole() throws Exception {
        assumeThat(database.majorVersion())
                .as("ON DELETE SET NULL (b), which the archive holds, came with PostgreSQL 15")
                .isGreaterThanOrEqualTo(15);
        database.run(setup());
        List<String> before = contents();
        database.run("DROP SCHEMA zoo CASCADE", "DROP SCHEMA \"Odd Schema\" CASCADE");

        Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
        for (SnapshotManifest manifest : archive.list()) {
            archive.verify(manifest);
            targets.put(manifest, Restore.defaultTarget(manifest));
        }
        CopybackPlan plan;
        try (Connection connection = database.connect()) {
            List<RestoredTable> tables =
                    new Restore(archive).restoreTogether(connection, targets, RestoreProgress.SILENT);
            assertThat(tables)
                    .allSatisfy(
                            table -> assertThat(table.validation().failures()).isEmpty());
            plan = new CopybackPlanner(ConflictMode.AS_FOUND).plan(connection, tables);
        }
        database.run(plan.sql());

        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void tells_its_foreign_keys_as_data() throws IOException {
        TableDescription animals = description("animals");
        assertThat(constraint(animals, "animals_keeper_fkey"))
                .satisfies(key -> assertThat(key.columns()).containsExactly("keeper"))
                .extracting(Constraint::foreignKey)
                .isEqualTo(Optional.of(new ForeignKey(
                        "zoo",
                        "keepers",
                        List.of("id"),
                        false,
                        MatchType.SIMPLE,
                        ReferentialAction.CASCADE,
                        ReferentialAction.SET_NULL,
                        List.of(),
                        true,
                        true)));
        assertThat(constraint(animals, "animals_mother_fkey").foreignKey())
                .isEqualTo(Optional.of(new ForeignKey(
                        "zoo",
                        "animals",
                        List.of("id"),
                        true,
                        MatchType.SIMPLE,
                        ReferentialAction.NO_ACTION,
                        ReferentialAction.RESTRICT,
                        List.of(),
                        false,
                        false)));
        assertThat(constraint(animals, "odd"))
                .satisfies(key -> assertThat(key.columns()).containsExactly("a", "b"))
                .extracting(Constraint::foreignKey)
                .isEqualTo(Optional.of(new ForeignKey(
                        "Odd Schema",
                        "Odd, Table",
                        List.of("Id, 1", "on x"),
                        false,
                        MatchType.FULL,
                        ReferentialAction.NO_ACTION,
                        ReferentialAction.SET_DEFAULT,
                        List.of(),
                        false,
                        false)));
        assertThat(constraint(description("partial_set"), "some_columns")
                        .foreignKey()
                        .orElseThrow()
                        .onDeleteColumns())
                .containsExactly("b");
    }

    @Test
    void tells_what_is_not_validated_and_what_is_not_inherited() throws IOException {
        assertThat(constraint(description("animals"), "late").validated()).isFalse();
        assertThat(constraint(description("keepers"), "grown").noInherit()).isTrue();
        assertThat(constraint(description("keepers"), "grown").validated()).isTrue();
    }

    @Test
    void tells_where_dependents_stand() throws IOException {
        assertThat(places("animals", DependentKind.FOREIGN_KEY))
                .containsExactly(new Place("zoo", "visits", "visits_animal_fkey"));
        assertThat(places("visits_2025", DependentKind.PARTITION_OF))
                .containsExactly(new Place("zoo", "visits", "visits_2025"));
        assertThat(places("birds", DependentKind.INHERITS)).containsExactly(new Place("zoo", "animals", "birds"));
    }

    private List<Place> places(String table, DependentKind kind) throws IOException {
        return description(table).dependents().stream()
                .filter(dependent -> dependent.kind() == kind)
                .map(Dependent::place)
                .flatMap(Optional::stream)
                .toList();
    }

    @Test
    void tells_its_prerequisites_by_kind_and_name() throws IOException {
        assertThat(description("keepers").prerequisites().stream()
                        .map(needed -> needed.kind() + " " + needed.identity())
                        .collect(Collectors.toSet()))
                .contains(
                        "schema zoo",
                        "extension citext",
                        "type zoo.mood",
                        "type zoo.address",
                        "domain zoo.positive",
                        "collation zoo.plain",
                        "sequence zoo.tickets",
                        "function zoo.shout(text)",
                        "operator zoo.===(integer,integer)",
                        "operator class zoo.int_ops USING btree");
    }
}
