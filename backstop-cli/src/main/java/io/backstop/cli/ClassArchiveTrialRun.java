package io.backstop.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Loads the classes that the command's work is made of, so that a JVM that was told to ({@code -XX:ArchiveClassesAtExit},
 * JEP 350) keeps them as it has them in memory: with such an archive the command is ready in about half the time. The build
 * runs this, on the class path that the command has; the command itself never does.
 */
final class ClassArchiveTrialRun {
    /** What is read and linked for nearly every command. The AWS SDK is far too large for that: it is used once instead. */
    private static final List<String> PACKAGES = List.of(
            "io/backstop/",
            "org/postgresql/",
            "org/sqlite/",
            "picocli/",
            "com/github/luben/zstd/",
            "com/github/freva/asciitable/",
            "tools/jackson/",
            "org/slf4j/");

    /** A port that nobody listens at (it was given to tcpmux, RFC 1078), so that it ends at once. */
    private static final String NO_STORAGE = "s3://nothing@http://127.0.0.1:1";

    private ClassArchiveTrialRun() {}

    /** @param arguments the folder with the jars on the class path */
    public static void main(String[] arguments) throws IOException {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of(arguments[0]), "*.jar")) {
            for (Path jar : jars) {
                load(jar);
            }
        }
        System.setProperty("aws.accessKeyId", "none");
        System.setProperty("aws.secretAccessKey", "none");
        run("analyze", "SELECT 1");
        run("snapshots", "list", "--storage", NO_STORAGE);
    }

    private static void load(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            file.stream()
                    .map(JarEntry::getName)
                    .filter(ClassArchiveTrialRun::isWanted)
                    .forEach(ClassArchiveTrialRun::load);
        }
    }

    private static boolean isWanted(String entry) {
        return entry.endsWith(".class")
                && PACKAGES.stream().anyMatch(entry::startsWith)
                && !entry.endsWith("package-info.class")
                && !entry.endsWith("module-info.class");
    }

    /** Without initializing it: that is for the one who needs it. */
    private static void load(String entry) {
        String name = entry.substring(0, entry.length() - ".class".length()).replace('/', '.');
        try {
            Class.forName(name, false, ClassArchiveTrialRun.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            // It needs a library that is not there, as the parts of pgjdbc for OSGi do, and so is not used either.
        }
    }

    /** Whatever comes of it: the classes are loaded. */
    private static void run(String... arguments) {
        BackstopCommand.commandLine()
                .setOut(new PrintWriter(new StringWriter()))
                .setErr(new PrintWriter(new StringWriter()))
                .execute(arguments);
    }
}
