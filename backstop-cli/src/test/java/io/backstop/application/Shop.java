package io.backstop.application;

import jakarta.persistence.CascadeType;
import jakarta.persistence.Column;
import jakarta.persistence.ElementCollection;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Lob;
import jakarta.persistence.ManyToOne;
import jakarta.persistence.OneToMany;
import jakarta.persistence.Version;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a shop keeps, with the mappings that Hibernate's users have. */
final class Shop {
    private Shop() {}

    enum Genre {
        NOVEL,
        POETRY
    }

    @Entity(name = "Author")
    static class Author {
        @Id
        @GeneratedValue(strategy = GenerationType.IDENTITY)
        Long id;

        @Column(unique = true)
        String name = "";

        @OneToMany(mappedBy = "author", cascade = CascadeType.ALL)
        List<Book> books = new ArrayList<>();
    }

    @Entity(name = "Book")
    static class Book {
        @Id
        @GeneratedValue(strategy = GenerationType.SEQUENCE)
        Long id;

        @Version
        long version;

        String title = "";

        @Enumerated(EnumType.STRING)
        Genre shelf = Genre.NOVEL;

        @JdbcTypeCode(SqlTypes.NAMED_ENUM)
        Genre genre = Genre.NOVEL;

        @JdbcTypeCode(SqlTypes.JSON)
        Map<String, String> facts = Map.of();

        @Lob
        String text = "";

        byte[] cover = {};

        @ElementCollection
        List<String> tags = new ArrayList<>();

        @ManyToOne
        Author author;
    }
}
