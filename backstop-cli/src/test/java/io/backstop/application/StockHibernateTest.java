package io.backstop.application;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditQuery;
import io.backstop.application.Shop.Author;
import io.backstop.application.Shop.Book;
import io.backstop.application.Shop.Genre;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import jakarta.persistence.LockModeType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;

import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;

/** Spring Boot with JPA and Hibernate under the profile {@code application}: from create to drop without a refusal. */
@ExtendWith(PostgresExtension.class)
class StockHibernateTest {
    @TempDir
    private Path folder;

    @SpringBootConfiguration
    @EnableAutoConfiguration
    static class Application {}

    private ConfigurableApplicationContext start(TestDatabase database) {
        SpringApplication application = new SpringApplication(Application.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        Map<String, Object> settings = new HashMap<>();
        settings.put("spring.main.banner-mode", "off");
        settings.put(
                "spring.datasource.url",
                database.backstopUrl("backstop.policy=application&backstop.control=" + control() + "&backstop.storage="
                        + folder.resolve("snapshots").toUri()));
        settings.put("spring.datasource.driver-class-name", "io.backstop.jdbc.BackstopDriver");
        settings.put("spring.jpa.hibernate.ddl-auto", "create-drop");
        settings.put("spring.jpa.properties.hibernate.jdbc.batch_size", "20");
        settings.put("spring.flyway.enabled", "false");
        application.setDefaultProperties(settings);
        return application.run();
    }

    private Path control() {
        return folder.resolve("backstop.db");
    }

    @Test
    void a_normal_day_meets_no_refusal(TestDatabase database) throws Exception {
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
        for (int day = 0; day < 2; day++) {
            try (ConfigurableApplicationContext context = start(database)) {
                EntityManagerFactory factory = context.getBean(EntityManagerFactory.class);
                assertThat(database.value("SELECT count(*) FROM pg_type WHERE typname = 'genre'"))
                        .isEqualTo("1");
                morning(factory);
                afternoon(factory);
            }
            assertThat(database.value("SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n"
                            + " ON n.oid = c.relnamespace WHERE n.nspname = 'public'"))
                    .as("relations that were not dropped")
                    .isEqualTo("0");
            assertThat(database.value("SELECT count(*) FROM pg_type WHERE typname = 'genre'"))
                    .isEqualTo("0");
        }
        assertThat(refusals()).isEmpty();
    }

    private static void morning(EntityManagerFactory factory) {
        inTransaction(factory, manager -> {
            for (int i = 0; i < 25; i++) {
                Author author = new Author();
                author.name = "author " + i;
                manager.persist(author);
                for (int j = 0; j < 4; j++) {
                    Book book = new Book();
                    book.title = "book " + j + " \\ 'of' " + i;
                    book.author = author;
                    book.genre = j % 2 == 0 ? Genre.NOVEL : Genre.POETRY;
                    book.facts = Map.of("pages", "" + j);
                    book.text = "once upon a time";
                    book.cover = new byte[] {1, 2, 3};
                    book.tags.add("new");
                    manager.persist(book);
                }
            }
        });
        inTransaction(factory, manager -> {
            List<Book> page = manager.createQuery(
                            "select b from Book b join fetch b.author where b.title like :title escape '\\' order by b.id",
                            Book.class)
                    .setParameter("title", "book 1%")
                    .setFirstResult(5)
                    .setMaxResults(10)
                    .getResultList();
            assertThat(page).hasSize(10);
            assertThat(page.get(0).text).isEqualTo("once upon a time");
            Book locked = manager.find(Book.class, page.get(0).id, LockModeType.PESSIMISTIC_WRITE);
            locked.title = "locked";
            manager.lock(page.get(1), LockModeType.PESSIMISTIC_READ);
            page.get(2).tags.add("read");
            page.get(3).facts = Map.of("pages", "7");
        });
    }

    private static void afternoon(EntityManagerFactory factory) {
        inTransaction(factory, manager -> {
            assertThat(manager.createQuery("update Book b set b.title = 'sold' where b.id = :id")
                            .setParameter(
                                    "id",
                                    manager.createQuery("select min(b.id) from Book b", Long.class)
                                            .getSingleResult())
                            .executeUpdate())
                    .isEqualTo(1);
            Object found = manager.createNativeQuery("SELECT count(*) FROM book WHERE genre = CAST(? AS genre)")
                    .setParameter(1, "POETRY")
                    .getSingleResult();
            assertThat(((Number) found).longValue()).isEqualTo(50);
            assertThat(manager.createQuery(
                                    "select b.shelf, count(b) from Book b group by b.shelf having count(b) > 1",
                                    Object[].class)
                            .getResultList())
                    .hasSize(1);
        });
        inTransaction(factory, manager -> {
            Author author = manager.createQuery("select a from Author a order by a.id", Author.class)
                    .setMaxResults(1)
                    .getSingleResult();
            manager.remove(author);
        });
        inTransaction(
                factory,
                manager -> assertThat(manager.createQuery("select count(b) from Book b", Long.class)
                                .getSingleResult())
                        .isEqualTo(96));
    }

    private static void inTransaction(EntityManagerFactory factory, Consumer<EntityManager> work) {
        try (EntityManager manager = factory.createEntityManager()) {
            manager.getTransaction().begin();
            work.accept(manager);
            manager.getTransaction().commit();
        }
    }

    /** What Backstop refused: Hibernate itself only logs what fails while it makes and drops the schema. */
    private List<String> refusals() throws Exception {
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            return store.audit().newest(AuditQuery.unfiltered(10_000)).stream()
                    .map(audited -> audited.event())
                    .filter(event -> event.kind() == AuditEvent.Kind.REFUSAL
                            || (event.kind() == AuditEvent.Kind.DECISION
                                    && !event.outcome().startsWith("allow")))
                    .map(event -> event.outcome() + ": " + event.sql())
                    .distinct()
                    .toList();
        }
    }
}
