package io.backstop.docs;

import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Compiles the Java of the documentation on the class path of the tests. Statements become the body of a method that may
 * throw anything, behind the imports below; imports that stand at the top of a snippet are kept.
 */
final class SnippetCompiler {
    /** The packages whose classes snippets name without an import. */
    private static final List<String> IMPORTS = List.of(
            "java.sql.*",
            "java.nio.file.*",
            "java.time.*",
            "java.util.*",
            "javax.sql.DataSource",
            "io.backstop.api.analysis.*",
            "io.backstop.api.approval.*",
            "io.backstop.api.control.*",
            "io.backstop.api.error.*",
            "io.backstop.jdbc.*",
            "io.backstop.recovery.*",
            "io.backstop.recovery.model.*",
            "io.backstop.server.*",
            "io.backstop.server.token.*",
            "io.backstop.snapshot.archive.*",
            "io.backstop.snapshot.store.*");

    static final String WRAPPER = "Snippet";
    static final String METHOD = "run";

    private static final Pattern TYPE = Pattern.compile("\\b(?:class|record|interface|enum) (\\w+)");

    private final Path classes;

    /** @param classes the folder for what is compiled; classes that were compiled before can be named by later snippets */
    SnippetCompiler(Path classes) {
        this.classes = classes;
    }

    /** The errors in it, with where they are; none if it compiles. */
    List<String> errors(CodeBlock block) throws IOException {
        JavaCompiler compiler = Objects.requireNonNull(ToolProvider.getSystemJavaCompiler(), "the tests need a JDK");
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        try (StandardJavaFileManager files =
                compiler.getStandardFileManager(found, Locale.ROOT, StandardCharsets.UTF_8)) {
            List<String> options = List.of(
                    "-proc:none",
                    "-classpath",
                    System.getProperty("java.class.path") + System.getProperty("path.separator") + classes,
                    "-d",
                    classes.toString());
            compiler.getTask(null, files, found, options, null, List.of(source(block)))
                    .call();
        }
        return found.getDiagnostics().stream()
                .filter(diagnostic -> diagnostic.getKind() == Diagnostic.Kind.ERROR)
                .map(diagnostic -> block.place() + ": " + diagnostic.getMessage(Locale.ROOT))
                .toList();
    }

    private static JavaFileObject source(CodeBlock block) {
        boolean whole = block.mark().purpose() == Mark.Purpose.CLASS;
        return new Source(whole ? typeIn(block) : WRAPPER, whole ? wholeClass(block) : method(block));
    }

    private static String typeIn(CodeBlock block) {
        Matcher type = TYPE.matcher(block.text());
        if (!type.find()) {
            throw new IllegalArgumentException(block.place() + ": there is no class in it");
        }
        return type.group(1);
    }

    private static String imports(CodeBlock block) {
        return IMPORTS.stream().map(name -> "import " + name + ";\n").collect(Collectors.joining())
                + block.lines().stream()
                        .filter(SnippetCompiler::isImport)
                        .map(line -> line + "\n")
                        .collect(Collectors.joining());
    }

    private static String wholeClass(CodeBlock block) {
        return imports(block) + body(block);
    }

    private static String method(CodeBlock block) {
        return imports(block) + "public final class " + WRAPPER + " {\npublic static void " + METHOD + "("
                + block.mark().given() + ") throws Exception {\n" + body(block) + "\n}\n}\n";
    }

    private static String body(CodeBlock block) {
        return block.lines().stream().filter(line -> !isImport(line)).collect(Collectors.joining("\n"));
    }

    private static boolean isImport(String line) {
        return line.startsWith("import ");
    }

    /** Source text in memory. */
    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String type, String text) {
            super(URI.create("string:///" + type + ".java"), JavaFileObject.Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
