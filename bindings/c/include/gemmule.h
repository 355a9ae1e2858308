/* gemmule: dendritic spines in 3D stacks, in C, C++ and whatever speaks their ABI.
 *
 * Made by cbindgen from bindings/c/src; do not edit.
 *
 * - Every function that can fail returns a gemmule_status; gemmule_last_error() says what was wrong, on the thread that called.
 * - What is made is a handle, a number that is never used twice: gemmule_free() gives it back, and a handle that was given back is an
 *   error, not a crash. Pointers that a handle gave out end with it.
 * - Voxels are read where they lie, (z, y, x) with x fastest; with other strides they are copied once. Coordinates are um, (z, y, x), the
 *   origin is the centre of voxel (0, 0, 0).
 * - Every function may be called from any thread at any time; those that change a handle (gemmule_params_set, gemmule_series_add) wait for
 *   each other. The progress callback runs on the thread that called.
 * - Texts are UTF-8 and end in 0. A callback must return: it may neither throw nor longjmp.
 */


#ifndef GEMMULE_H
#define GEMMULE_H

#include <stddef.h>
#include <stdint.h>

/**
 * How a call ended.
 */
typedef enum gemmule_status {
  /**
   * Done.
   */
  GEMMULE_STATUS_OK = 0,
  /**
   * A value that is not allowed.
   */
  GEMMULE_STATUS_BAD_PARAMETER = 1,
  /**
   * A file that cannot be read, written or understood.
   */
  GEMMULE_STATUS_BAD_FILE = 2,
  /**
   * The size of a voxel is neither in the file nor given.
   */
  GEMMULE_STATUS_VOXEL_SIZE_UNKNOWN = 3,
  /**
   * No adapter, a lost device, or anything else that the GPU side reports.
   */
  GEMMULE_STATUS_GPU = 4,
  /**
   * More memory needed than there is or than was allowed.
   */
  GEMMULE_STATUS_MEMORY = 5,
  /**
   * The progress callback stopped the work.
   */
  GEMMULE_STATUS_CANCELLED = 6,
  /**
   * Anything else.
   */
  GEMMULE_STATUS_FAILED = 7,
  /**
   * A pointer that must not be null is.
   */
  GEMMULE_STATUS_NULL_POINTER = 8,
  /**
   * A handle that never was, that was freed, or that is of another kind.
   */
  GEMMULE_STATUS_BAD_HANDLE = 9,
  /**
   * A fault of gemmule itself: please report it with the message.
   */
  GEMMULE_STATUS_INTERNAL = 10,
} gemmule_status;

/**
 * Types of voxels.
 */
typedef enum gemmule_voxel_type {
  /**
   * uint8_t
   */
  GEMMULE_VOXEL_TYPE_U8 = 1,
  /**
   * uint16_t
   */
  GEMMULE_VOXEL_TYPE_U16 = 2,
  /**
   * int16_t
   */
  GEMMULE_VOXEL_TYPE_I16 = 3,
  /**
   * float, finite
   */
  GEMMULE_VOXEL_TYPE_F32 = 4,
} gemmule_voxel_type;

/**
 * Types of columns.
 */
typedef enum gemmule_column_type {
  /**
   * Texts.
   */
  GEMMULE_COLUMN_TYPE_TEXT = 1,
  /**
   * int64_t
   */
  GEMMULE_COLUMN_TYPE_INTEGER = 2,
  /**
   * double
   */
  GEMMULE_COLUMN_TYPE_NUMBER = 3,
} gemmule_column_type;

/**
 * Something gemmule made; 0 is none. To be freed with gemmule_free().
 */
typedef uint64_t gemmule_handle;

/**
 * One column of a table. All pointers are good until the table is freed.
 */
typedef struct gemmule_column {
  /**
   * Its name, as in the CSV.
   */
  const char *name;
  /**
   * A gemmule_column_type.
   */
  int32_t column_type;
  /**
   * Number of cells.
   */
  size_t rows;
  /**
   * For every cell whether it is known (1) or not (0).
   */
  const uint8_t *known;
  /**
   * The cells of a column of texts, else null; empty where not known.
   */
  const char *const *texts;
  /**
   * The cells of a column of whole numbers, else null; 0 where not known.
   */
  const int64_t *integers;
  /**
   * The cells of a column of numbers, else null; NaN where not known.
   */
  const double *numbers;
} gemmule_column;

/**
 * Voxels in memory, (z, y, x).
 */
typedef struct gemmule_volume {
  /**
   * The first voxel, aligned to its type.
   */
  const void *data;
  /**
   * A gemmule_voxel_type.
   */
  int32_t voxel_type;
  /**
   * Planes, rows, columns.
   */
  size_t shape[3];
  /**
   * Bytes from a voxel to the next along z, y, x: multiples of the voxel's size above 0, no two voxels in one place. Three zeros mean C order without gaps. With C order
   * without gaps nothing is copied; any other order is copied once.
   */
  ptrdiff_t strides[3];
  /**
   * Edges of a voxel, um.
   */
  double voxel_um[3];
  /**
   * Centre of voxel (0, 0, 0), um. Of what gemmule gives out; of what it is given the origin is 0.
   */
  double origin_um[3];
} gemmule_volume;

/**
 * Called now and then with `done` of `total` units of a stage, on the thread that called the function; what is not 0 stops the work, which then ends in
 * GEMMULE_STATUS_CANCELLED.
 */
typedef int32_t (*gemmule_progress)(void *user, const char *stage, uint64_t done, uint64_t total);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * What was wrong with the last call on this thread that failed; empty if none has. The text is good until the next call on this thread.
 */
const char *gemmule_last_error(void);

/**
 * Frees what a handle stands for, and every pointer it gave out. 0 is allowed and does nothing. A call that uses it on another thread ends undisturbed.
 */
enum gemmule_status gemmule_free(gemmule_handle handle);

/**
 * Number of handles that have not been freed: for tests of what links gemmule.
 */
size_t gemmule_live_handles(void);

/**
 * Number of rows and columns of a table.
 *
 * # Safety
 * `rows` and `columns` are null or have room for a number.
 */
enum gemmule_status gemmule_table_size(gemmule_handle table, size_t *rows, size_t *columns);

/**
 * One column of a table, by its position.
 *
 * # Safety
 * `column` is null or has room for a gemmule_column.
 */
enum gemmule_status gemmule_table_column(gemmule_handle table, size_t position, struct gemmule_column *column);

/**
 * Writes a table as the command line writes it, byte for byte.
 *
 * # Safety
 * `path` is null or a text.
 */
enum gemmule_status gemmule_table_write(gemmule_handle table, const char *path);

/**
 * Makes parameters, all at their defaults. Where parameters are asked for, 0 means the defaults too.
 *
 * # Safety
 * `params` is null or has room for a handle.
 */
enum gemmule_status gemmule_params_create(gemmule_handle *params);

/**
 * Reads a params TOML, as the command line's --params does.
 *
 * # Safety
 * `path` is null or a text, `params` is null or has room for a handle.
 */
enum gemmule_status gemmule_params_read(const char *path, gemmule_handle *params);

/**
 * Sets one parameter by the name that `gemmule params` prints ("trace.min_length_um"), to a value written as in a params TOML ("5.0", "[0.3, 0.5]", "\"sato\"").
 * A name there is not, or a value out of range, is an error and changes nothing.
 *
 * # Safety
 * `name` and `value` are null or texts.
 */
enum gemmule_status gemmule_params_set(gemmule_handle params,
                                       const char *name,
                                       const char *value);

/**
 * Writes all parameters with meaning, unit, range and source, as `gemmule params` prints them, into a buffer: what fits of them, with a 0 at the end.
 * `length` gets the whole length without the 0.
 *
 * # Safety
 * `buffer` has room for `capacity` bytes, or is null and `capacity` 0; `length` is null or has room for a number.
 */
enum gemmule_status gemmule_params_text(gemmule_handle params,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *length);

/**
 * The version of gemmule, as "0.1.0".
 */
const char *gemmule_version(void);

/**
 * Makes an engine: "auto" takes a hardware GPU if one works and the CPU otherwise, "gpu" a hardware GPU or, with part of its name, the adapter named, "cpu" the CPU.
 * `backend` null is "auto", `adapter` may be null. An engine can be used by many threads at once.
 *
 * # Safety
 * `backend` and `adapter` are null or texts, `engine` is null or has room for a handle.
 */
enum gemmule_status gemmule_engine_create(const char *backend,
                                          const char *adapter,
                                          gemmule_handle *engine);

/**
 * Writes one line on adapter and driver, and why it was chosen, or why the CPU, into a buffer: what fits of it, with a 0 at the end. `length` gets the whole length
 * without the 0.
 *
 * # Safety
 * `buffer` has room for `capacity` bytes, or is null and `capacity` 0; `length` is null or has room for a number.
 */
enum gemmule_status gemmule_engine_describe(gemmule_handle engine,
                                            char *buffer,
                                            size_t capacity,
                                            size_t *length);

/**
 * Reads a stack from a file, as the command line does. `voxel_um` (z, y, x) is null where the file says it; `channel` and `time` are below 0 where the file has one.
 *
 * # Safety
 * `path` is null or a text, `voxel_um` is null or three numbers, `stack` is null or has room for a handle.
 */
enum gemmule_status gemmule_stack_read(const char *path,
                                       const double *voxel_um,
                                       int64_t channel,
                                       int64_t time,
                                       gemmule_handle *stack);

/**
 * Makes a synthetic stack with the section [phantom] of the parameters.
 *
 * # Safety
 * `stack` is null or has room for a handle.
 */
enum gemmule_status gemmule_phantom(gemmule_handle params, gemmule_handle *stack);

/**
 * The voxels of a stack, good until it is freed: to show, and to hand to the functions that take a volume.
 *
 * # Safety
 * `volume` is null or has room for a gemmule_volume.
 */
enum gemmule_status gemmule_stack_volume(gemmule_handle stack, struct gemmule_volume *volume);

/**
 * Finds the dendrites and spines of a stack.
 *
 * # Safety
 * `volume` is null, or its voxels are there and nobody writes to them during the call; `progress` is null or a function that may be called with `user`; `found` is null
 * or has room for a handle.
 */
enum gemmule_status gemmule_detect(gemmule_handle engine,
                                   gemmule_handle params,
                                   const struct gemmule_volume *volume,
                                   gemmule_progress progress,
                                   void *user,
                                   gemmule_handle *found);

/**
 * A table of what was found: "spines" or "dendrites", with the columns of spines.csv and dendrites.csv.
 *
 * # Safety
 * `name` is null or a text, `table` is null or has room for a handle.
 */
enum gemmule_status gemmule_found_table(gemmule_handle found, const char *name, gemmule_handle *table);

/**
 * The label image: number of the spine at each voxel (uint16_t), 0 where there is none. Good until `found` is freed. Its voxel_um is 0: it is that of the stack.
 *
 * # Safety
 * `labels` is null or has room for a gemmule_volume.
 */
enum gemmule_status gemmule_found_labels(gemmule_handle found,
                                         struct gemmule_volume *labels);

/**
 * The ridge response of a stack, with the section [ridge] of the parameters; binned as that says.
 *
 * # Safety
 * As gemmule_detect().
 */
enum gemmule_status gemmule_ridge(gemmule_handle engine,
                                  gemmule_handle params,
                                  const struct gemmule_volume *volume,
                                  gemmule_progress progress,
                                  void *user,
                                  gemmule_handle *map);

/**
 * The stack smoothed by a Gaussian whose standard deviations (um) along z, y, x `sigma_um` points to; 0 leaves an axis as it is.
 *
 * # Safety
 * As gemmule_detect(); `sigma_um` is null or three numbers.
 */
enum gemmule_status gemmule_smooth(gemmule_handle engine,
                                   const struct gemmule_volume *volume,
                                   const double *sigma_um,
                                   gemmule_progress progress,
                                   void *user,
                                   gemmule_handle *map);

/**
 * The values of a map (float), and where they lie. Good until the map is freed.
 *
 * # Safety
 * `volume` is null or has room for a gemmule_volume.
 */
enum gemmule_status gemmule_map_volume(gemmule_handle map, struct gemmule_volume *volume);

/**
 * Bright blobs of a stack, strongest first, with the section `blob`: a table of z_um, y_um, x_um, sigma_um, response.
 *
 * # Safety
 * As gemmule_detect().
 */
enum gemmule_status gemmule_blobs(gemmule_handle engine,
                                  gemmule_handle params,
                                  const struct gemmule_volume *volume,
                                  gemmule_progress progress,
                                  void *user,
                                  gemmule_handle *table);

/**
 * Begins a series of sessions of one field of view, whose name may be null.
 *
 * # Safety
 * `fov` is null or a text, `series` is null or has room for a handle.
 */
enum gemmule_status gemmule_series_create(gemmule_handle params, const char *fov, gemmule_handle *series);

/**
 * Adds the next session: finds its spines and keeps what tracking needs; the voxels can be given back after the call. `name` null is its number from 0, `day` NaN is not
 * known. `found` may be null; else it gets what was found.
 *
 * # Safety
 * As gemmule_detect(); `name` is null or a text.
 */
enum gemmule_status gemmule_series_add(gemmule_handle series,
                                       gemmule_handle engine,
                                       const struct gemmule_volume *volume,
                                       const char *name,
                                       double day,
                                       gemmule_progress progress,
                                       void *user,
                                       gemmule_handle *found);

/**
 * Decides jointly over all sessions where spines are. `curation` is the path of a curation.csv, or null. More sessions can be added afterwards.
 *
 * # Safety
 * `curation` is null or a text; `progress` is null or a function that may be called with `user`; `tracked` is null or has room for a handle.
 */
enum gemmule_status gemmule_series_track(gemmule_handle series,
                                         const char *curation,
                                         gemmule_progress progress,
                                         void *user,
                                         gemmule_handle *tracked);

/**
 * A table of a tracked series: "tracks", "links", "dynamics" or "survival", with the columns of the CSV of that name.
 *
 * # Safety
 * `name` is null or a text, `table` is null or has room for a handle.
 */
enum gemmule_status gemmule_tracked_table(gemmule_handle tracked, const char *name, gemmule_handle *table);

/**
 * The effects of a long table of anyone's (and, if not null, of a table of lifetimes), with the section [stats]: the table that `gemmule stats` writes as effects.csv.
 *
 * # Safety
 * `long_csv` and `lives_csv` are null or texts, `table` is null or has room for a handle.
 */
enum gemmule_status gemmule_stats(gemmule_handle params,
                                  const char *long_csv,
                                  const char *lives_csv,
                                  gemmule_handle *table);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* GEMMULE_H */
