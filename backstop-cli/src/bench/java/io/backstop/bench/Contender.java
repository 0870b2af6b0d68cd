package io.backstop.bench;

import java.util.List;

/** Something that captures or restores the table. */
@FunctionalInterface
interface Contender {
    Result run() throws Exception;

    /** How long it took, what it stored, and what else is to be known. */
    record Result(double seconds, long bytes, String remark) {
        static double median(List<Result> results) {
            double[] sorted = sorted(results);
            int half = sorted.length / 2;
            return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
        }

        static double smallest(List<Result> results) {
            return sorted(results)[0];
        }

        static double largest(List<Result> results) {
            return sorted(results)[results.size() - 1];
        }

        private static double[] sorted(List<Result> results) {
            return results.stream().mapToDouble(Result::seconds).sorted().toArray();
        }
    }
}
