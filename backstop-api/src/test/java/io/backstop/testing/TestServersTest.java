package io.backstop.testing;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith({PostgresExtension.class, S3Extension.class})
class TestServersTest {
    @Test
    void every_test_class_has_a_database_of_its_own(TestDatabase database) throws SQLException {
        assertThat(database.value("SELECT current_database()")).endsWith("testserverstest");
        assertThat(database.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
                .isEqualTo("0");
    }

    @Test
    void the_tests_run_as_a_superuser(TestDatabase database) throws SQLException {
        assertThat(database.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
                .isEqualTo("t");
    }

    @Test
    void s3_keeps_what_it_was_given_and_refuses_to_replace_it_where_asked_to(S3Server server) {
        String bucket = server.newBucket();
        try (S3Client client = server.client()) {
            client.putObject(r -> r.bucket(bucket).key("a/b").ifNoneMatch("*"), RequestBody.fromString("one"));
            assertThatThrownBy(() -> client.putObject(
                            r -> r.bucket(bucket).key("a/b").ifNoneMatch("*"), RequestBody.fromString("two")))
                    .isInstanceOfSatisfying(
                            S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(412));
            assertThat(client.getObjectAsBytes(r -> r.bucket(bucket).key("a/b")).asUtf8String())
                    .isEqualTo("one");
        }
    }
}
