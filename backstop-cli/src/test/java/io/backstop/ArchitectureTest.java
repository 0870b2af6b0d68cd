package io.backstop;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;

import java.sql.DriverManager;
import java.util.ServiceLoader;
import java.util.function.Function;
import java.util.stream.Stream;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

/** The directions between the modules, and who may do what, with the reasons. */
@AnalyzeClasses(
        packages = "io.backstop",
        importOptions = {
            DoNotIncludeTests.class,
            ArchitectureTest.DoNotIncludeTestJars.class,
            ArchitectureTest.DoNotIncludeRelocatedLibraries.class
        })
class ArchitectureTest {
    @ArchTest
    static final ArchRule the_api_needs_nothing_but_the_jdk = classes()
            .that()
            .resideInAPackage("io.backstop.api..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("io.backstop.api..", "java..")
            .because("every other module, and every implementation of a port, has to live with what it brings along");

    @ArchTest
    static final ArchRule the_guard_does_not_see_the_snapshot_engine = noClasses()
            .that()
            .resideInAPackage("io.backstop.jdbc..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.backstop.snapshot..", "io.backstop.recovery..", "io.backstop.server..", "io.backstop.cli..")
            .because("an application that only wants the guard carries no object store");

    @ArchTest
    static final ArchRule the_snapshot_engine_does_not_see_the_guard = noClasses()
            .that()
            .resideInAPackage("io.backstop.snapshot..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.backstop.jdbc..", "io.backstop.recovery..", "io.backstop.server..", "io.backstop.cli..")
            .because("it takes snapshots for whoever asks through the port, also outside the driver");

    @ArchTest
    static final ArchRule the_recovery_sees_stored_snapshots_only = noClasses()
            .that()
            .resideInAPackage("io.backstop.recovery..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.backstop.jdbc..", "io.backstop.server..", "io.backstop.cli..")
            .because("a restore has to work where the guard and its control store are gone");

    @ArchTest
    static final ArchRule nobody_depends_on_the_command_line = noClasses()
            .that()
            .resideOutsideOfPackage("io.backstop.cli..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.backstop.cli..")
            .because("commands and the server go through the parts, never the other way round");

    @ArchTest
    static final ArchRule analysis_and_policy_return_what_they_found = noClasses()
            .that()
            .resideInAnyPackage(
                    "io.backstop.jdbc.analysis..", "io.backstop.jdbc.internal.analysis..", "io.backstop.jdbc.policy..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("java.sql..")
            .because("decisions are values; only the pipeline touches connections and throws");

    @ArchTest
    static final ArchRule statements_reach_the_pipeline_from_the_guard_alone = classes()
            .that()
            .haveFullyQualifiedName("io.backstop.jdbc.internal.pipeline.Pipeline")
            .should()
            .onlyBeAccessed()
            .byAnyPackage(
                    "io.backstop.jdbc", "io.backstop.jdbc.internal.guard..", "io.backstop.jdbc.internal.pipeline..")
            .because("there is one path of a statement");

    @ArchTest
    static final ArchRule only_the_driver_looks_up_drivers_and_services = noClasses()
            .that()
            .resideInAnyPackage("io.backstop.jdbc..", "io.backstop.snapshot..", "io.backstop.recovery..")
            .and()
            .resideOutsideOfPackage("io.backstop.jdbc")
            .and()
            .doNotHaveFullyQualifiedName("io.backstop.snapshot.store.ObjectStores")
            .and()
            .doNotHaveFullyQualifiedName("io.backstop.snapshot.key.KeyProviders")
            .should()
            .dependOnClassesThat()
            .belongToAnyOf(DriverManager.class, ServiceLoader.class)
            .because("parts are put together in one place, by hand; "
                    + "only the address of a storage or a key leads to what may be absent");

    @ArchTest
    static final ArchRule a_store_sees_the_port_of_stores_alone = noClasses()
            .that()
            .resideInAPackage("io.backstop.store..")
            .should()
            .dependOnClassesThat(resideInAPackage("io.backstop..")
                    .and(resideOutsideOfPackages("io.backstop.store..", "io.backstop.snapshot.store..")))
            .because("it keeps objects under names and knows nothing of tables");

    @ArchTest
    static final ArchRule nobody_sees_a_store_of_a_module_of_its_own = noClasses()
            .that()
            .resideOutsideOfPackage("io.backstop.store..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.backstop.store..")
            .because("an application that keeps its snapshots in folders does not carry the AWS SDK");

    @ArchTest
    static final ArchRule a_key_service_sees_the_port_of_keys_alone = noClasses()
            .that()
            .resideInAPackage("io.backstop.key..")
            .should()
            .dependOnClassesThat(resideInAPackage("io.backstop..")
                    .and(resideOutsideOfPackages("io.backstop.key..", "io.backstop.snapshot.key..")))
            .because("it wraps data keys and knows nothing of snapshots");

    @ArchTest
    static final ArchRule nobody_sees_a_key_service = noClasses()
            .that()
            .resideOutsideOfPackage("io.backstop.key..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.backstop.key..")
            .because("an application carries the client of the service alone that it uses");

    @ArchTest
    static final ArchRule no_library_shows_in_a_public_signature = classes()
            .that()
            .resideInAnyPackage("io.backstop.jdbc..", "io.backstop.snapshot..", "io.backstop.recovery..")
            .and()
            .resideOutsideOfPackage("..internal..")
            .and()
            .arePublic()
            .should(showOnly("io.backstop.", "java.", "javax."))
            .because("an application must be able to use another version of a library, or none, beside Backstop");

    private static ArchCondition<JavaClass> showOnly(String... packages) {
        return new ArchCondition<>("show only types of " + String.join(", ", packages) + " in public signatures") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                signatures(type)
                        .filter(shown -> !shown.type().getBaseComponentType().isPrimitive())
                        .filter(shown -> Stream.of(packages)
                                .noneMatch(shown.type().getBaseComponentType().getName()::startsWith))
                        .forEach(shown -> events.add(SimpleConditionEvent.violated(
                                type, shown.where() + " shows " + shown.type().getName())));
            }
        };
    }

    private static Stream<Shown> signatures(JavaClass type) {
        Stream<Shown> parents = Stream.concat(type.getRawSuperclass().stream(), type.getRawInterfaces().stream())
                .map(parent -> new Shown(type.getName(), parent));
        Stream<Shown> fields = type.getFields().stream()
                .filter(ArchitectureTest::isPublished)
                .flatMap(field -> field.getAllInvolvedRawTypes().stream().map(t -> new Shown(field.getFullName(), t)));
        Stream<Shown> methods = type.getCodeUnits().stream()
                .filter(ArchitectureTest::isPublished)
                .flatMap(
                        unit -> Stream.concat(unit.getAllInvolvedRawTypes().stream(), unit.getExceptionTypes().stream())
                                .map(t -> new Shown(unit.getFullName(), t)));
        return Stream.of(parents, fields, methods).flatMap(Function.identity());
    }

    private static boolean isPublished(JavaMember member) {
        return member.getModifiers().contains(JavaModifier.PUBLIC)
                || member.getModifiers().contains(JavaModifier.PROTECTED);
    }

    /** A type and where it can be seen. */
    private record Shown(String where, JavaClass type) {}

    /** What the tests of several modules share. */
    static final class DoNotIncludeTestJars implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("-tests.jar");
        }
    }

    /** The copies of libraries in the modules' jars, which are not ours to shape. */
    static final class DoNotIncludeRelocatedLibraries implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("/internal/jackson/");
        }
    }
}
