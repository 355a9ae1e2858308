//! Which adapters there are, best first.

use serde::Serialize;

use crate::error::{Error, Result};

/// A GPU, or a driver that plays one.
///
/// ```
/// use gemmule::engine::Engine;
/// for adapter in Engine::adapters() {
///     println!("{adapter}{}", if adapter.software { ", a software one" } else { "" });
///     assert!(["Vulkan", "Metal", "DX12"].contains(&adapter.backend.as_str()));
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdapterInfo {
    /// Name the driver gives.
    pub name: String,
    /// Vulkan, Metal or DX12.
    pub backend: String,
    /// Discrete, integrated, virtual, software or other.
    pub device_type: String,
    /// Name and version of the driver.
    pub driver: String,
    /// Whether the CPU does the work.
    pub software: bool,
}

impl std::fmt::Display for AdapterInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} {}, {})", self.name, self.device_type, self.backend, self.driver)
    }
}

/// All adapters, hardware first, discrete before integrated, then by name, backend and bus: the same order on every run.
pub(crate) fn enumerate() -> Vec<(wgpu::Adapter, AdapterInfo)> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    // Validation layers of the driver are for those who debug one: they cost time, and a debug build would ask for them.
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let mut found: Vec<_> = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY))
        .into_iter()
        .map(|adapter| (adapter.get_info(), adapter))
        .collect();
    found.sort_by_key(|(info, _)| {
        (rank(info.device_type), info.name.clone(), info.backend as u8, info.device_pci_bus_id.clone())
    });
    found.into_iter().map(|(info, adapter)| (adapter, describe(&info))).collect()
}

/// Adapters of `all` that `name` asks for: hardware only if there is no name, else those whose name holds it in any case.
pub(crate) fn matching<T>(all: Vec<(T, AdapterInfo)>, name: Option<&str>) -> Result<Vec<(T, AdapterInfo)>> {
    let listed = list(all.iter().map(|(_, info)| info));
    let wanted = name.map(str::to_lowercase);
    let fits = |info: &AdapterInfo| match &wanted {
        Some(wanted) => info.name.to_lowercase().contains(wanted),
        None => !info.software,
    };
    let found: Vec<_> = all.into_iter().filter(|(_, info)| fits(info)).collect();
    if found.is_empty() {
        return Err(Error::Gpu {
            adapter: name.unwrap_or("hardware").into(),
            problem: format!("no such adapter; found: {listed}"),
            remedy: "give --adapter part of one of these names, install a Vulkan driver, or give --backend cpu".into(),
        });
    }
    Ok(found)
}

/// Names for a message; "none" if there are none.
pub(crate) fn list<'a>(adapters: impl Iterator<Item = &'a AdapterInfo>) -> String {
    let names: Vec<String> = adapters.map(ToString::to_string).collect();
    if names.is_empty() { "none".into() } else { names.join("; ") }
}

fn rank(device_type: wgpu::DeviceType) -> u8 {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

pub(crate) fn describe(info: &wgpu::AdapterInfo) -> AdapterInfo {
    let device_type = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Other => "other",
        wgpu::DeviceType::Cpu => "software",
    };
    let backend = match info.backend {
        wgpu::Backend::Vulkan => "Vulkan",
        wgpu::Backend::Metal => "Metal",
        wgpu::Backend::Dx12 => "DX12",
        _ => "other",
    };
    let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
    AdapterInfo {
        name: info.name.clone(),
        backend: backend.into(),
        device_type: device_type.into(),
        driver: if driver.is_empty() { "driver unknown".into() } else { driver },
        software: info.device_type == wgpu::DeviceType::Cpu,
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::adapters::{AdapterInfo, matching};

    fn adapters() -> Vec<(u8, AdapterInfo)> {
        [("NVIDIA H200", false), ("Intel UHD", false), ("llvmpipe (LLVM 15)", true)]
            .into_iter()
            .enumerate()
            .map(|(n, (name, software))| {
                let text = String::from;
                let (backend, device_type, driver) = (text("Vulkan"), text("discrete"), text("1.0"));
                (n as u8, AdapterInfo { name: name.into(), backend, device_type, driver, software })
            })
            .collect()
    }

    #[test]
    fn a_name_is_part_of_the_adapter_s_in_any_case_and_no_name_is_hardware() {
        let found = |name| -> Vec<u8> { matching(adapters(), name).unwrap().into_iter().map(|(n, _)| n).collect() };
        assert_eq!(found(Some("LLVMPIPE")), [2]);
        assert_eq!(found(Some("i")), [0, 1, 2]);
        assert_eq!(found(None), [0, 1]);
    }

    #[test]
    fn a_name_that_fits_nothing_lists_what_there_is() {
        let message = matching(adapters(), Some("radeon")).unwrap_err().to_string();
        assert!(
            message.contains("radeon") && message.contains("Intel UHD") && message.contains("--adapter"),
            "{message}"
        );
        let software: Vec<_> = adapters().split_off(2);
        assert!(matching(software, None).unwrap_err().to_string().contains("llvmpipe"));
        assert!(matching(Vec::<(u8, AdapterInfo)>::new(), None).unwrap_err().to_string().contains("found: none"));
    }
}
