package io.backstop.snapshot.archive;

import io.backstop.snapshot.schema.ForeignTable;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DescriptionFormatTest {
    private static TableDescription table(Optional<ForeignTable> foreign, TableDescription.Partition... partitions) {
        return new TableDescription(
                "public",
                "far",
                "owner",
                false,
                List.of(),
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of(),
                foreign,
                List.of(partitions));
    }

    private static String json(TableDescription table) {
        return new String(DescriptionFormat.write(table), StandardCharsets.UTF_8);
    }

    private static TableDescription read(String json) throws CorruptSnapshotException {
        return DescriptionFormat.read(json.getBytes(StandardCharsets.UTF_8), "schema.json");
    }

    @Test
    void a_foreign_table_is_read_as_it_was_written() throws CorruptSnapshotException {
        TableDescription far = table(Optional.of(
                new ForeignTable("there", List.of("a=b=c"), Map.of("Column Name", List.of("column_name=x")))));
        assertThat(read(json(far))).isEqualTo(far);
    }

    @Test
    void partitions_are_named_and_none_are_in_an_older_description() throws CorruptSnapshotException {
        TableDescription head = table(Optional.empty(), new TableDescription.Partition("public", "Part One"));
        assertThat(read(json(head))).isEqualTo(head);
        String older = json(table(Optional.empty())).replaceAll(",\\s*\"partitions\" : \\[ ]", "");
        assertThat(older).doesNotContain("partitions");
        assertThat(read(older)).isEqualTo(table(Optional.empty()));
    }

    @Test
    void a_description_from_before_foreign_tables_were_kept_is_read() throws CorruptSnapshotException {
        String older = json(table(Optional.empty())).replaceAll(",\\s*\"foreign\" : null", "");
        assertThat(older).doesNotContain("foreign");
        assertThat(read(older)).isEqualTo(table(Optional.empty()));
    }

    @Test
    void anything_else_that_is_missing_unknown_twice_or_too_much_is_damage() {
        String json = json(table(Optional.empty()));
        for (String damaged : List.of(
                json.replace("\"owner\" : \"owner\",", ""),
                json.replace("\"owner\" :", "\"boss\" : \"owner\", \"owner\" :"),
                json.replace("\"owner\" :", "\"owner\" : \"a\", \"owner\" :"),
                json + "{}",
                "[]",
                "")) {
            assertThatThrownBy(() -> read(damaged))
                    .as(damaged)
                    .isInstanceOf(CorruptSnapshotException.class)
                    .hasMessageStartingWith("schema.json cannot be read as a table's description");
        }
    }

    @Test
    void sql_that_an_older_description_has_for_a_prerequisite_is_left_behind() throws CorruptSnapshotException {
        String older = json(table(Optional.empty()))
                .replaceAll(
                        "\"prerequisites\" : \\[ ]",
                        "\"prerequisites\" : [ {\"kind\" : \"type\", \"identity\" : \"app.mood\", "
                                + "\"exists\" : \"public.side_effect()\", \"sql\" : [ ]} ]");
        assertThat(older).contains("side_effect");
        assertThat(read(older).prerequisites())
                .containsExactly(new TableDescription.Prerequisite(PrerequisiteKind.TYPE, "app.mood", List.of()));
    }

    @Test
    void a_kind_that_is_not_known_is_refused_by_name() {
        String json = json(table(Optional.empty()))
                .replaceAll(
                        "\"prerequisites\" : \\[ ]",
                        "\"prerequisites\" : [ {\"kind\" : \"gizmo\", \"identity\" : \"app.g\", \"sql\" : [ ]} ]");
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessageContaining("\"gizmo\" is of no kind that this version knows");
    }
}
