// A host in C++: handles in RAII, threads that share an engine, filters, tables read cell by cell.
#include "check.h"
#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <utility>
#include <vector>

class Handle {
  public:
    Handle() = default;
    Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
    Handle(const Handle &) = delete;
    ~Handle() { gemmule_free(handle_); }
    gemmule_handle *out() { return &handle_; }
    operator gemmule_handle() const { return handle_; }

  private:
    gemmule_handle handle_ = 0;
};

static gemmule_column column(gemmule_handle table, const std::string &name) {
    std::size_t rows = 0, columns = 0;
    OK(gemmule_table_size(table, &rows, &columns));
    for (std::size_t k = 0; k < columns; k++) {
        gemmule_column found;
        OK(gemmule_table_column(table, k, &found));
        if (name == found.name)
            return found;
    }
    CHECK(false && "there is such a column");
    return {};
}

static std::vector<double> lengths(gemmule_handle engine, const gemmule_volume &volume) {
    Handle found, spines;
    OK(gemmule_detect(engine, 0, &volume, nullptr, nullptr, found.out()));
    OK(gemmule_found_table(found, "spines", spines.out()));
    gemmule_column length = column(spines, "length_um"), side = column(spines, "side");
    CHECK(length.column_type == GEMMULE_COLUMN_TYPE_NUMBER && side.column_type == GEMMULE_COLUMN_TYPE_TEXT);
    for (std::size_t k = 0; k < side.rows; k++)
        CHECK(std::string(side.texts[k]) == "left" || std::string(side.texts[k]) == "right");
    return {length.numbers, length.numbers + length.rows};
}

int main() {
    Handle engine, params, stack;
    OK(gemmule_engine_create("cpu", nullptr, engine.out()));
    OK(gemmule_params_create(params.out()));
    for (auto [name, value] : {std::pair{"phantom.planes", "10"}, {"phantom.rows", "96"}, {"phantom.columns", "128"}, {"phantom.seed", "7"}})
        OK(gemmule_params_set(params, name, value));
    OK(gemmule_phantom(params, stack.out()));
    gemmule_volume volume;
    OK(gemmule_stack_volume(stack, &volume));

    const auto expected = lengths(engine, volume);
    CHECK(!expected.empty());
    std::atomic<int> same{0};
    std::vector<std::thread> threads;
    for (int k = 0; k < 3; k++)
        threads.emplace_back([&] { same += lengths(engine, volume) == expected; });
    for (auto &thread : threads)
        thread.join();
    CHECK(same == 3);

    // Errors are those of the thread that called.
    std::thread([] { CHECK(gemmule_free(999999) == GEMMULE_STATUS_BAD_HANDLE); }).join();
    CHECK(std::string(gemmule_last_error()).empty());

    Handle ridge, smoothed, blobs;
    OK(gemmule_ridge(engine, params, &volume, nullptr, nullptr, ridge.out()));
    gemmule_volume map;
    OK(gemmule_map_volume(ridge, &map));
    CHECK(map.voxel_type == GEMMULE_VOXEL_TYPE_F32 && map.shape[2] == 64 && std::abs(map.voxel_um[2] - 2 * volume.voxel_um[2]) < 1e-12);
    const double sigma_um[3] = {0.5, 0.15, 0.15};
    OK(gemmule_smooth(engine, &volume, sigma_um, nullptr, nullptr, smoothed.out()));
    OK(gemmule_map_volume(smoothed, &map));
    CHECK(map.shape[2] == 128);
    OK(gemmule_blobs(engine, params, &volume, nullptr, nullptr, blobs.out()));
    const gemmule_column response = column(blobs, "response");
    CHECK(response.rows > 0 && response.numbers[0] >= response.numbers[response.rows - 1]);
    std::printf("program.cpp with gemmule %s: ok\n", gemmule_version());
}
