// Java through the C ABI, by JNA (which Fiji brings along): a stack made, analysed and read, and an error that says why.
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.LongByReference;

public class Smoke {
    public interface Gemmule extends Library {
        int gemmule_engine_create(String backend, String adapter, LongByReference engine);
        int gemmule_detect(long engine, long params, Volume volume, Pointer progress, Pointer user, LongByReference found);
        int gemmule_params_create(LongByReference params);
        int gemmule_params_set(long params, String name, String value);
        int gemmule_phantom(long params, LongByReference stack);
        int gemmule_stack_volume(long stack, Volume volume);
        int gemmule_found_table(long found, String name, LongByReference table);
        int gemmule_table_size(long table, LongByReference rows, LongByReference columns);
        int gemmule_free(long handle);
        long gemmule_live_handles();
        String gemmule_last_error();
    }

    @Structure.FieldOrder({"data", "voxel_type", "shape", "strides", "voxel_um", "origin_um"})
    public static class Volume extends Structure {
        public Pointer data;
        public int voxel_type;
        public long[] shape = new long[3];
        public long[] strides = new long[3];
        public double[] voxel_um = new double[3];
        public double[] origin_um = new double[3];
    }

    static Gemmule gemmule;

    static void ok(int status) {
        if (status != 0) throw new IllegalStateException(status + ": " + gemmule.gemmule_last_error());
    }

    public static void main(String[] arguments) {
        gemmule = Native.load(arguments[0], Gemmule.class);
        LongByReference engine = new LongByReference(), params = new LongByReference(), stack = new LongByReference();
        ok(gemmule.gemmule_engine_create("cpu", null, engine));
        ok(gemmule.gemmule_params_create(params));
        String[][] settings = {{"planes", "10"}, {"rows", "96"}, {"columns", "128"}, {"seed", "7"}};
        for (String[] setting : settings) ok(gemmule.gemmule_params_set(params.getValue(), "phantom." + setting[0], setting[1]));
        ok(gemmule.gemmule_phantom(params.getValue(), stack));
        Volume volume = new Volume();
        ok(gemmule.gemmule_stack_volume(stack.getValue(), volume));

        // As an ImageJ plugin would: voxels of Java's own, copied to memory that C can read.
        int voxels = (int) (volume.shape[0] * volume.shape[1] * volume.shape[2]);
        short[] ours = volume.data.getShortArray(0, voxels);
        Memory memory = new Memory(2L * voxels);
        memory.write(0, ours, 0, voxels);
        volume.data = memory;
        LongByReference found = new LongByReference(), table = new LongByReference();
        LongByReference rows = new LongByReference(), columns = new LongByReference();
        ok(gemmule.gemmule_detect(engine.getValue(), 0, volume, null, null, found));
        ok(gemmule.gemmule_found_table(found.getValue(), "spines", table));
        ok(gemmule.gemmule_table_size(table.getValue(), rows, columns));
        if (rows.getValue() < 1) throw new IllegalStateException("no spines");

        volume.voxel_um[0] = Double.NaN;
        if (gemmule.gemmule_detect(engine.getValue(), 0, volume, null, null, found) != 1
                || !gemmule.gemmule_last_error().contains("voxel_um.z is NaN")) throw new IllegalStateException("NaN was taken");
        for (LongByReference handle : new LongByReference[] {table, found, stack, params, engine}) ok(gemmule.gemmule_free(handle.getValue()));
        if (gemmule.gemmule_live_handles() != 0) throw new IllegalStateException("handles are left");
        System.out.println("Smoke.java: " + rows.getValue() + " spines, ok");
    }
}
