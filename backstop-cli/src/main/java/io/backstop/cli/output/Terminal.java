package io.backstop.cli.output;

import java.io.Console;
import java.lang.reflect.InvocationTargetException;
import java.util.Optional;

/** The terminal at which a person runs the command. Stateless. */
public final class Terminal {
    private Terminal() {}

    /** The terminal; empty where the command runs in a script or a pipe. */
    @SuppressWarnings(
            "SystemConsoleNull") // since JDK 22 there may be a console without a terminal: that is asked below
    public static Optional<Console> present() {
        return Optional.ofNullable(System.console()).filter(Terminal::isTerminal);
    }

    /** Java 17 has no {@code Console.isTerminal}, and gives no console without a terminal. */
    private static boolean isTerminal(Console console) {
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (IllegalAccessException | InvocationTargetException e) {
            return false;
        }
    }
}
