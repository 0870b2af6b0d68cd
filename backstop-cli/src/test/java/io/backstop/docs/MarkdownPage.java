package io.backstop.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A Markdown page, taken apart as far as its checks need it: fenced blocks, links, headings, prose.
 *
 * @param path the file
 * @param lines its lines
 */
record MarkdownPage(Path path, List<String> lines) {
    /** The repository, seen from the module in which Maven runs the tests. */
    static final Path REPOSITORY = Path.of("..").toAbsolutePath().normalize();

    private static final int WIDTH = 120;
    private static final Set<String> NOT_OURS = Set.of("target", "node_modules", ".git");
    private static final Pattern FENCE = Pattern.compile("^( *)(```+)\\s*(\\S*)\\s*$");
    private static final Pattern MARK = Pattern.compile("^ *<!-- doc: (.+?) -->\\s*$");
    private static final Pattern LINK = Pattern.compile("\\[[^\\]]*\\]\\(([^)\\s]+)\\)");
    private static final Pattern CODE_SPAN = Pattern.compile("`([^`]+)`");
    private static final Pattern HEADING = Pattern.compile("^#{1,6} (.+)$");
    private static final Pattern ELSEWHERE = Pattern.compile("^[a-z]+:.*");

    MarkdownPage {
        lines = List.copyOf(lines);
    }

    static MarkdownPage read(Path file) throws IOException {
        return new MarkdownPage(file.toAbsolutePath().normalize(), Files.readAllLines(file));
    }

    /** All pages of the repository. */
    static List<MarkdownPage> all() throws IOException {
        List<MarkdownPage> pages = new ArrayList<>();
        try (Stream<Path> files = Files.find(
                REPOSITORY,
                8,
                (file, attributes) -> attributes.isRegularFile()
                        && file.toString().endsWith(".md")
                        && isOurs(REPOSITORY.relativize(file)))) {
            for (Path file : files.sorted().toList()) {
                pages.add(read(file));
            }
        }
        return pages;
    }

    private static boolean isOurs(Path file) {
        for (Path part : file) {
            if (NOT_OURS.contains(part.toString())) {
                return false;
            }
        }
        return true;
    }

    /** The path as seen from the repository. */
    String name() {
        return path.startsWith(REPOSITORY) ? REPOSITORY.relativize(path).toString() : path.toString();
    }

    List<CodeBlock> blocks() {
        List<CodeBlock> blocks = new ArrayList<>();
        Mark mark = Mark.NONE;
        for (int i = 0; i < lines.size(); i++) {
            Matcher marked = MARK.matcher(lines.get(i));
            Matcher fence = FENCE.matcher(lines.get(i));
            if (marked.matches()) {
                mark = Mark.parse(marked.group(1));
            } else if (fence.matches()) {
                int end = endOfBlock(i, fence.group(2));
                List<String> text = lines.subList(i + 1, end).stream()
                        .map(line -> withoutIndent(line, fence.group(1).length()))
                        .toList();
                blocks.add(new CodeBlock(name(), i + 2, fence.group(3), mark, text));
                mark = Mark.NONE;
                i = end;
            } else if (!lines.get(i).isBlank()) {
                mark = Mark.NONE;
            }
        }
        return blocks;
    }

    private int endOfBlock(int begin, String fence) {
        for (int i = begin + 1; i < lines.size(); i++) {
            if (lines.get(i).strip().equals(fence)) {
                return i;
            }
        }
        throw new IllegalArgumentException(name() + ":" + (begin + 1) + ": the block has no end");
    }

    private static String withoutIndent(String line, int indent) {
        int spaces = 0;
        while (spaces < indent && spaces < line.length() && line.charAt(spaces) == ' ') {
            spaces++;
        }
        return line.substring(spaces);
    }

    /** The lines outside of fenced blocks; those within are empty, so that numbers stay. */
    private List<String> prose() {
        List<String> prose = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            Matcher fence = FENCE.matcher(lines.get(i));
            if (fence.matches()) {
                int end = endOfBlock(i, fence.group(2));
                for (; i <= end; i++) {
                    prose.add("");
                }
                i = end;
            } else {
                prose.add(lines.get(i));
            }
        }
        return prose;
    }

    /** What stands between backticks in the prose. */
    List<String> codeSpans() {
        return CODE_SPAN
                .matcher(String.join("\n", prose()))
                .results()
                .map(span -> span.group(1).replaceAll("\\s+", " "))
                .toList();
    }

    /** Lines of prose that are wider than the house style lets them be, with where they are. */
    List<String> longLines() {
        List<String> problems = new ArrayList<>();
        List<String> prose = prose();
        for (int i = 0; i < prose.size(); i++) {
            String line = prose.get(i);
            boolean mayBeLong = line.strip().startsWith("|") || line.contains("://");
            if (!mayBeLong && line.codePointCount(0, line.length()) > WIDTH) {
                problems.add(name() + ":" + (i + 1) + ": longer than " + WIDTH + " characters");
            }
        }
        return problems;
    }

    /** Relative links that lead nowhere, with where they are. */
    List<String> brokenLinks() throws IOException {
        List<String> problems = new ArrayList<>();
        List<String> prose = prose();
        for (int i = 0; i < prose.size(); i++) {
            String line = CODE_SPAN.matcher(prose.get(i)).replaceAll("");
            for (MatchResult link : LINK.matcher(line).results().toList()) {
                if (!ELSEWHERE.matcher(link.group(1)).matches() && !leadsSomewhere(link.group(1))) {
                    problems.add(name() + ":" + (i + 1) + ": the link to " + link.group(1) + " leads nowhere");
                }
            }
        }
        return problems;
    }

    private boolean leadsSomewhere(String link) throws IOException {
        int hash = link.indexOf('#');
        String file = hash < 0 ? link : link.substring(0, hash);
        Path target = file.isEmpty() ? path : path.resolveSibling(file).normalize();
        if (!Files.exists(target)) {
            return false;
        }
        return hash < 0 || read(target).anchors().contains(link.substring(hash + 1));
    }

    /** The anchors of the headings, as GitHub makes them. */
    Set<String> anchors() {
        Map<String, Integer> seen = new HashMap<>();
        Set<String> anchors = new HashSet<>();
        for (String line : prose()) {
            Matcher heading = HEADING.matcher(line);
            if (heading.matches()) {
                String anchor = heading.group(1)
                        .strip()
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-');
                int before = seen.merge(anchor, 1, Integer::sum) - 1;
                anchors.add(before == 0 ? anchor : anchor + "-" + before);
            }
        }
        return anchors;
    }
}
