/* A host in C: its own memory in, tables out, the same files as the command line's, and every misuse an error.
 *
 *   program same STACK.tif FOLDER       detects and writes FOLDER/spines.csv, dendrites.csv; compares labels with FOLDER/labels.tif
 *   program series FOLDER A.tif B.tif   tracks two sessions and writes FOLDER/tracks.csv, links.csv, dynamics.csv, survival.csv
 *   program stats LONG.csv FOLDER       writes FOLDER/effects.csv
 *   program misuse                      every misuse is an error
 *   program cycles N                    makes, runs and frees everything N times; what is in use must not grow
 */
#include "check.h"
#include <malloc.h>
#include <math.h>

static char *joined(const char *folder, const char *name) {
    char *path = malloc(strlen(folder) + strlen(name) + 2);
    sprintf(path, "%s/%s", folder, name);
    return path;
}

static void write_table(gemmule_handle table, const char *folder, const char *name) {
    char *path = joined(folder, name);
    OK(gemmule_table_write(table, path));
    free(path);
    OK(gemmule_free(table));
}

/* The host's own copy of a stack: what a host has in its memory anyway. */
static gemmule_volume own(gemmule_handle stack) {
    gemmule_volume volume;
    OK(gemmule_stack_volume(stack, &volume));
    size_t bytes = volume.shape[0] * (size_t)volume.strides[0];
    void *data = malloc(bytes);
    memcpy(data, volume.data, bytes);
    volume.data = data;
    OK(gemmule_free(stack));
    return volume;
}

static int32_t count(void *user, const char *stage, uint64_t done, uint64_t total) {
    CHECK(stage != NULL && done <= total);
    ++*(int *)user;
    return 0;
}

static int32_t stop_at_third(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)stage, (void)done, (void)total;
    return ++*(int *)user >= 3;
}

static gemmule_handle cpu(void) {
    gemmule_handle engine = 0;
    OK(gemmule_engine_create("cpu", NULL, &engine));
    return engine;
}

static void same(const char *path, const char *folder) {
    gemmule_handle engine = cpu(), stack = 0, found = 0, table = 0;
    OK(gemmule_stack_read(path, NULL, -1, -1, &stack));
    gemmule_volume volume = own(stack);
    int calls = 0;
    OK(gemmule_detect(engine, 0, &volume, count, &calls, &found));
    CHECK(calls > 5);
    OK(gemmule_found_table(found, "spines", &table));
    size_t rows, columns;
    OK(gemmule_table_size(table, &rows, &columns));
    CHECK(rows > 0 && columns >= 20);
    gemmule_column column;
    OK(gemmule_table_column(table, 0, &column));
    CHECK(strcmp(column.name, "spine_id") == 0 && column.column_type == GEMMULE_COLUMN_TYPE_INTEGER);
    CHECK(column.rows == rows && column.integers[0] == 1 && column.numbers == NULL && column.texts == NULL);
    write_table(table, folder, "spines.csv");
    OK(gemmule_found_table(found, "dendrites", &table));
    write_table(table, folder, "dendrites.csv");

    /* The label image of the command line, voxel by voxel. */
    char *labels_path = joined(folder, "labels.tif");
    gemmule_volume labels, expected;
    OK(gemmule_found_labels(found, &labels));
    OK(gemmule_stack_read(labels_path, NULL, -1, -1, &stack));
    OK(gemmule_stack_volume(stack, &expected));
    CHECK(labels.voxel_type == GEMMULE_VOXEL_TYPE_U16 && expected.voxel_type == labels.voxel_type);
    CHECK(memcmp(labels.shape, expected.shape, sizeof labels.shape) == 0);
    CHECK(memcmp(labels.data, expected.data, labels.shape[0] * (size_t)labels.strides[0]) == 0);
    free(labels_path);
    OK(gemmule_free(stack));

    /* Planes with a gap between them are copied, and give the same. */
    size_t row = volume.shape[2] * 2, plane = volume.shape[1] * row, padded = plane + 64;
    char *gaps = calloc(volume.shape[0], padded);
    for (size_t z = 0; z < volume.shape[0]; z++)
        memcpy(gaps + z * padded, (const char *)volume.data + z * plane, plane);
    gemmule_volume with_gaps = volume;
    with_gaps.data = gaps;
    with_gaps.strides[0] = (ptrdiff_t)padded;
    gemmule_handle again = 0;
    gemmule_volume labels_again;
    OK(gemmule_detect(engine, 0, &with_gaps, NULL, NULL, &again));
    OK(gemmule_found_labels(again, &labels_again));
    CHECK(memcmp(labels.data, labels_again.data, labels.shape[0] * (size_t)labels.strides[0]) == 0);
    free(gaps);
    OK(gemmule_free(again));
    OK(gemmule_free(found));
    OK(gemmule_free(engine));
    free((void *)volume.data);
}

static void series(const char *folder, char **paths, int n) {
    gemmule_handle engine = cpu(), sessions = 0, tracked = 0, table = 0;
    OK(gemmule_series_create(0, NULL, &sessions));
    for (int k = 0; k < n; k++) {
        gemmule_handle stack = 0;
        OK(gemmule_stack_read(paths[k], NULL, -1, -1, &stack));
        gemmule_volume volume = own(stack);
        OK(gemmule_series_add(sessions, engine, &volume, NULL, NAN, NULL, NULL, NULL));
        free((void *)volume.data);
    }
    OK(gemmule_series_track(sessions, NULL, NULL, NULL, &tracked));
    const char *names[][2] = {{"tracks", "tracks.csv"}, {"links", "links.csv"}, {"dynamics", "dynamics.csv"}, {"survival", "survival.csv"}};
    for (int k = 0; k < 4; k++) {
        OK(gemmule_tracked_table(tracked, names[k][0], &table));
        write_table(table, folder, names[k][1]);
    }
    OK(gemmule_free(tracked));
    OK(gemmule_free(sessions));
    OK(gemmule_free(engine));
}

static void stats(const char *path, const char *folder) {
    gemmule_handle table = 0;
    OK(gemmule_stats(0, path, NULL, &table));
    write_table(table, folder, "effects.csv");
}

/* A tiny volume with noise in it. */
static gemmule_volume tiny(uint16_t *voxels, size_t z, size_t y, size_t x) {
    uint32_t state = 1;
    for (size_t k = 0; k < z * y * x; k++) {
        state = state * 1664525u + 1013904223u;
        voxels[k] = (uint16_t)(100 + (state >> 26) + (k / x % y == y / 2 ? 300 : 0));
    }
    gemmule_volume volume = {voxels, GEMMULE_VOXEL_TYPE_U16, {z, y, x}, {0, 0, 0}, {1.0, 0.12, 0.12}, {0, 0, 0}};
    return volume;
}

static void misuse(void) {
    static uint16_t voxels[3 * 40 * 40];
    gemmule_volume good = tiny(voxels, 3, 40, 40), bad;
    gemmule_handle engine = cpu(), found = 0, table = 0, params = 0, other = 0;

    /* Null. */
    FAILS(GEMMULE_STATUS_NULL_POINTER, "engine is null", gemmule_engine_create("cpu", NULL, NULL));
    FAILS(GEMMULE_STATUS_NULL_POINTER, "volume is null", gemmule_detect(engine, 0, NULL, NULL, NULL, &found));
    FAILS(GEMMULE_STATUS_NULL_POINTER, "found is null", gemmule_detect(engine, 0, &good, NULL, NULL, NULL));
    FAILS(GEMMULE_STATUS_NULL_POINTER, "path is null", gemmule_stack_read(NULL, NULL, -1, -1, &other));
    bad = good, bad.data = NULL;
    FAILS(GEMMULE_STATUS_NULL_POINTER, "volume.data is null", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));

    /* Handles that are none, of another kind, or freed. */
    FAILS(GEMMULE_STATUS_BAD_HANDLE, "is none", gemmule_detect(0, 0, &good, NULL, NULL, &found));
    FAILS(GEMMULE_STATUS_BAD_HANDLE, "another kind", gemmule_table_size(engine, NULL, NULL));
    FAILS(GEMMULE_STATUS_BAD_HANDLE, "never made", gemmule_detect(1u << 30, 0, &good, NULL, NULL, &found));
    size_t handles = gemmule_live_handles();
    FAILS(GEMMULE_STATUS_NULL_POINTER, "params is null", gemmule_params_create(NULL));
    CHECK(gemmule_live_handles() == handles);
    OK(gemmule_params_create(&params));
    OK(gemmule_free(params));
    FAILS(GEMMULE_STATUS_BAD_HANDLE, "was freed", gemmule_detect(engine, params, &good, NULL, NULL, &found));
    FAILS(GEMMULE_STATUS_BAD_HANDLE, "freed already", gemmule_free(params));

    /* Shapes, strides, types, sizes, values. */
    bad = good, bad.shape[1] = 0;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "shape is 3 x 0 x 40", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad = good, bad.shape[0] = SIZE_MAX;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "shape is", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad = good, bad.strides[0] = 3200, bad.strides[1] = -80, bad.strides[2] = 2;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "-80", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad.strides[1] = 0;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "volume.strides", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad.strides[1] = 81;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "multiples of 2", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad.strides[1] = PTRDIFF_MAX - 1;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "volume.strides", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad = good, bad.shape[0] = bad.shape[1] = bad.shape[2] = (size_t)1 << 18, bad.strides[0] = bad.strides[1] = bad.strides[2] = 2;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "keep voxels apart", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad = good, bad.voxel_type = 7;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "voxel_type is 7", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad = good, bad.data = (const char *)voxels + 1;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "multiple of 2", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad = good, bad.voxel_um[0] = NAN;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "voxel_um.z is NaN", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    bad.voxel_um[0] = 0.0;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "voxel_um.z is 0", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    static float floats[3 * 40 * 40];
    floats[41] = NAN;
    bad = good, bad.data = floats, bad.voxel_type = GEMMULE_VOXEL_TYPE_F32;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "voxel (0, 1, 1) is NaN", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));
    floats[41] = 0;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "without measurable noise", gemmule_detect(engine, 0, &bad, NULL, NULL, &found));

    /* Parameters, names, files, adapters. */
    OK(gemmule_params_create(&params));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "detect.score_min is -3", gemmule_params_set(params, "detect.score_min", "-3.0"));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "detect.nonsense", gemmule_params_set(params, "detect.nonsense", "1"));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "detect.score_min", gemmule_params_set(params, "detect.score_min", "1\nx = 2"));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "UTF-8", gemmule_params_set(params, "\xff\xfe", "1"));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "backend is abacus", gemmule_engine_create("abacus", NULL, &other));
    FAILS(GEMMULE_STATUS_GPU, "no such adapter", gemmule_engine_create("gpu", "abacus", &other));
    FAILS(GEMMULE_STATUS_BAD_FILE, "nowhere.tif", gemmule_stack_read("nowhere.tif", NULL, -1, -1, &other));
    OK(gemmule_detect(engine, params, &good, NULL, NULL, &found));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "spines or dendrites", gemmule_found_table(found, "thorns", &table));
    OK(gemmule_found_table(found, "spines", &table));
    gemmule_column column;
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "position is 99", gemmule_table_column(table, 99, &column));
    FAILS(GEMMULE_STATUS_BAD_FILE, "cannot be written", gemmule_table_write(table, "/nowhere/spines.csv"));

    /* Texts that do not fit are cut, with a 0 at the end. */
    char text[8];
    size_t length = 0;
    OK(gemmule_engine_describe(engine, text, sizeof text, &length));
    CHECK(strlen(text) == 7 && length > 7);
    OK(gemmule_params_text(params, NULL, 0, &length));
    CHECK(length > 1000);
    FAILS(GEMMULE_STATUS_NULL_POINTER, "buffer is null", gemmule_params_text(params, NULL, 8, &length));

    /* Cancelled work leaves no handle. */
    int calls = 0;
    size_t before = gemmule_live_handles();
    FAILS(GEMMULE_STATUS_CANCELLED, "cancelled", gemmule_detect(engine, 0, &good, stop_at_third, &calls, &other));
    CHECK(calls == 3 && other == 0 && gemmule_live_handles() == before);

    /* A series of one session, a name twice, and lines that lie nowhere. */
    gemmule_handle sessions = 0;
    OK(gemmule_series_create(0, "field", &sessions));
    OK(gemmule_series_add(sessions, engine, &good, "a", 0.0, NULL, NULL, NULL));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "name is a", gemmule_series_add(sessions, engine, &good, "a", 1.0, NULL, NULL, NULL));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "day is inf", gemmule_series_add(sessions, engine, &good, "b", INFINITY, NULL, NULL, NULL));
    FAILS(GEMMULE_STATUS_BAD_PARAMETER, "at least 2", gemmule_series_track(sessions, NULL, NULL, NULL, &other));

    gemmule_handle all[] = {sessions, table, found, params, engine, 0};
    for (int k = 0; k < 6; k++)
        OK(gemmule_free(all[k]));
    CHECK(gemmule_live_handles() == 0);
}

static void once(void) {
    static uint16_t voxels[3 * 32 * 32];
    gemmule_volume volume = tiny(voxels, 3, 32, 32), out;
    gemmule_handle engine = cpu(), params = 0, found = 0, spines = 0, dendrites = 0, map = 0, none = 0;
    OK(gemmule_params_create(&params));
    OK(gemmule_params_set(params, "trace.min_length_um", "2.0"));
    OK(gemmule_detect(engine, params, &volume, NULL, NULL, &found));
    OK(gemmule_found_table(found, "spines", &spines));
    OK(gemmule_found_table(found, "dendrites", &dendrites));
    OK(gemmule_found_labels(found, &out));
    OK(gemmule_ridge(engine, params, &volume, NULL, NULL, &map));
    OK(gemmule_map_volume(map, &out));
    CHECK(out.shape[1] == 16 && out.origin_um[1] > 0);
    volume.voxel_um[1] = -1;
    CHECK(gemmule_detect(engine, params, &volume, NULL, NULL, &none) == GEMMULE_STATUS_BAD_PARAMETER && none == 0);
    gemmule_handle all[] = {engine, params, found, spines, dendrites, map};
    for (int k = 0; k < 6; k++)
        OK(gemmule_free(all[k]));
}

static void cycles(int n) {
    /* Pools of threads are filled by the first half. */
    int warm = n / 2;
    for (int k = 0; k < warm; k++)
        once();
    size_t before = mallinfo2().uordblks;
    for (int k = warm; k < n; k++)
        once();
    size_t after = mallinfo2().uordblks;
    CHECK(gemmule_live_handles() == 0);
    printf("%d cycles: %zu bytes in use after %d, %zu after %d\n", n, before, warm, after, n);
    /* A leak of one byte per cycle would show. */
    CHECK(after < before + (size_t)(n - warm));
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "same") == 0 && argc == 4)
        same(argv[2], argv[3]);
    else if (strcmp(what, "series") == 0 && argc > 4)
        series(argv[2], argv + 3, argc - 3);
    else if (strcmp(what, "stats") == 0 && argc == 4)
        stats(argv[2], argv[3]);
    else if (strcmp(what, "misuse") == 0)
        misuse();
    else if (strcmp(what, "cycles") == 0 && argc == 3)
        cycles(atoi(argv[2]));
    else
        return fprintf(stderr, "see the head of program.c\n"), 2;
    printf("program %s: ok\n", what);
    return 0;
}
