package io.backstop.snapshot.archive;

import io.backstop.snapshot.schema.CatalogWord;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.RequirementKind;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.deser.std.StdDeserializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.StdSerializer;

/** How records become JSON in a snapshot: keys in snake case, enums in lower case, nothing unknown and nothing twice. */
final class SnapshotJson {
    static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
            .enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .addModule(words())
            .build();

    private SnapshotJson() {}

    /** The kinds that are spelt as PostgreSQL's documentation does. */
    private static SimpleModule words() {
        SimpleModule module = new SimpleModule("words");
        add(module, DependentKind.class);
        add(module, RequirementKind.class);
        add(module, PrerequisiteKind.class);
        return module;
    }

    private static <E extends Enum<E> & CatalogWord> void add(SimpleModule module, Class<E> type) {
        module.addSerializer(type, new StdSerializer<E>(type) {
            @Override
            public void serialize(E value, JsonGenerator generator, SerializationContext context) {
                generator.writeString(value.text());
            }
        });
        module.addDeserializer(type, new StdDeserializer<E>(type) {
            @Override
            public E deserialize(JsonParser parser, DeserializationContext context) {
                return CatalogWord.of(type, parser.getString());
            }
        });
    }
}
