package io.backstop.server;

import io.backstop.api.control.Alert;
import io.backstop.server.RunningServer.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

import static io.backstop.server.RunningServer.ADMIN;
import static io.backstop.server.RunningServer.OPS;
import static org.assertj.core.api.Assertions.assertThat;

class AlertEndpointsTest {
    @TempDir
    private Path folder;

    @Test
    void alerts_are_listed_newest_first_and_acknowledged_once() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            assertThat(server.get("/metadata/alerts", OPS).json()).isEmpty();
            server.store.alerts().raise(Alert.Kind.BYPASS, "agent", "<b>around</b>");
            Answer list = server.get("/metadata/alerts", OPS);
            assertThat(list.status()).isEqualTo(200);
            assertThat(list.json()).hasSize(1);
            String id = list.json().get(0).get("id").asString();
            assertThat(list.json().get(0).get("kind").asString()).isEqualTo("BYPASS");
            assertThat(list.json().get(0).get("acknowledged").asBoolean()).isFalse();
            assertThat(list.json().get(0).get("acknowledged_by").isNull()).isTrue();
            Answer acknowledged = server.post("/metadata/alerts/" + id + "/acknowledge", ADMIN);
            assertThat(acknowledged.status()).isEqualTo(200);
            assertThat(acknowledged.json().get("acknowledged_by").asString()).isEqualTo("admin");
            assertThat(server.get("/metadata/alerts?acknowledged=false", OPS).json())
                    .isEmpty();
            assertThat(server.get("/metadata/alerts?limit=1", OPS).json()).hasSize(1);
        }
    }

    @Test
    void what_is_asked_wrongly_is_refused() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            assertThat(server.post("/metadata/alerts/alrt_1/acknowledge", ADMIN).status())
                    .isEqualTo(404);
            assertThat(server.post("/metadata/alerts/alrt_1/acknowledge", OPS).status())
                    .isEqualTo(403);
            assertThat(server.get("/metadata/alerts", ADMIN).status()).isEqualTo(403);
            assertThat(server.get("/metadata/alerts?limit=0", OPS).status()).isEqualTo(400);
            assertThat(server.get("/metadata/alerts?acknowledged=yes", OPS).message())
                    .isEqualTo("the parameter acknowledged has to be true or false");
            assertThat(server.get("/metadata/alerts?kind=BYPASS", OPS).status()).isEqualTo(400);
            assertThat(server.get("/metadata/alerts/alrt_1/acknowledge", ADMIN).status())
                    .isEqualTo(405);
        }
    }
}
