/* As examples/overhead.rs, through the C ABI: voxels in the host's own memory. */
#include <gemmule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Not ru_maxrss: that counts the process that started this one, too. */
static long peak_kib(void) {
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
    if (status) fclose(status);
    return kib;
}

int main(int argc, char **argv) {
    gemmule_handle engine = 0, stack = 0, found = 0, table = 0;
    gemmule_volume volume;
    size_t rows, columns;
    if (argc < 2 || gemmule_stack_read(argv[1], NULL, -1, -1, &stack) || gemmule_stack_volume(stack, &volume)
        || gemmule_engine_create("cpu", NULL, &engine))
        return fprintf(stderr, "%s\n", gemmule_last_error()), 1;
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    if (gemmule_detect(engine, 0, &volume, NULL, NULL, &found) || gemmule_found_table(found, "spines", &table)
        || gemmule_table_size(table, &rows, &columns))
        return fprintf(stderr, "%s\n", gemmule_last_error()), 1;
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%.6f %.6f %ld %zu\n", wall, cpu, peak_kib(), rows);
    return 0;
}
