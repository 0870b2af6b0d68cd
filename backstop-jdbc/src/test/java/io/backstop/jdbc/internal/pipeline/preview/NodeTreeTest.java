package io.backstop.jdbc.internal.pipeline.preview;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Reads expressions as the catalog stores them. */
class NodeTreeTest {
    @Test
    void functions_and_strings_of_an_expression_are_found() {
        NodeTree tree =
                NodeTree.of("{OPEXPR :opno 98 :opfuncid 67 :args ({FUNCEXPR :funcid 2077 :args ({CONST :consttype 25"
                        + " :constlen -1 :constbyval false :constisnull false :location 60"
                        + " :constvalue 14 [ 56 0 0 0 97 112 112 46 116 101 110 97 110 116 ]}) :location 44})}");
        assertThat(tree.functions()).containsExactlyInAnyOrder(67L, 2077L);
        assertThat(tree.strings()).containsExactly("app.tenant");
    }

    @Test
    void a_long_constant_is_read() {
        String bytes = "97 ".repeat(200_000);
        assertThat(NodeTree.of(":constvalue 200004 [ 0 0 0 0 " + bytes + "]").strings())
                .containsExactly("a".repeat(200_000));
    }
}
