package io.backstop;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.backstop.ArchitectureTest.DoNotIncludeRelocatedLibraries;
import io.backstop.ArchitectureTest.DoNotIncludeTestJars;
import org.junit.jupiter.api.Test;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

/** A reader finds a thing in the folder where they look first: small packages, no cycles, one name for one thing. */
@AnalyzeClasses(
        packages = "io.backstop",
        importOptions = {DoNotIncludeTests.class, DoNotIncludeTestJars.class, DoNotIncludeRelocatedLibraries.class})
class PackageStructureTest {
    private static final int MOST_CLASSES = 20;

    @ArchTest
    static final ArchRule packages_depend_on_each_other_in_one_direction = slices().matching("io.backstop.(**)")
            .should()
            .beFreeOfCycles()
            .because("a package that is part of a cycle can be read, tested and moved with the whole cycle only");

    @ArchTest
    static final ArchRule the_internals_of_the_guard_are_its_own = closed("io.backstop.jdbc");

    @ArchTest
    static final ArchRule the_internals_of_the_snapshot_engine_are_its_own = closed("io.backstop.snapshot");

    @ArchTest
    static final ArchRule the_internals_of_the_recovery_are_its_own = closed("io.backstop.recovery");

    @ArchTest
    static final ArchRule the_internals_of_the_server_are_its_own = closed("io.backstop.server");

    @ArchTest
    static final ArchRule the_catalog_questions_are_asked_by_the_modules_that_ask_a_catalog = noClasses()
            .that()
            .resideOutsideOfPackages(
                    "io.backstop.api..", "io.backstop.jdbc..", "io.backstop.snapshot..", "io.backstop.recovery..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.backstop.api.internal..")
            .because("they are shared to be asked in one place, not to be used by applications")
            .allowEmptyShould(true);

    private static ArchRule closed(String module) {
        return noClasses()
                .that()
                .resideOutsideOfPackage(module + "..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(module + ".internal..")
                .because("steps may change in any version; what others use stands in the module's root packages");
    }

    private static Map<String, List<JavaClass>> topLevel(Collection<JavaClass> classes, boolean byPackage) {
        return classes.stream()
                .filter(JavaClass::isTopLevelClass)
                .filter(type -> !type.getSimpleName().equals("package-info"))
                .collect(Collectors.groupingBy(
                        type -> byPackage ? type.getPackageName() : type.getSimpleName(),
                        TreeMap::new,
                        Collectors.toList()));
    }

    private static JavaClasses product() {
        return new ClassFileImporter()
                .withImportOption(new DoNotIncludeTests())
                .withImportOption(new DoNotIncludeTestJars())
                .withImportOption(new DoNotIncludeRelocatedLibraries())
                .importPackages("io.backstop");
    }

    @Test
    void no_simple_name_stands_for_two_things() {
        assertThat(topLevel(product(), false).values())
                .as("a reader of an import list must not have to look which one is meant")
                .allSatisfy(alike -> assertThat(alike).hasSize(1));
    }

    @Test
    void a_package_holds_no_more_than_a_reader_keeps_in_mind() {
        assertThat(topLevel(product(), true))
                .as("a package whose purpose fits in one sentence holds at most about %s classes", MOST_CLASSES)
                .hasSizeGreaterThan(40)
                .allSatisfy((name, classes) -> assertThat(classes).as(name).hasSizeLessThanOrEqualTo(MOST_CLASSES));
    }
}
