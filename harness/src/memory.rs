//! The memory that a run may take, and the refusal of runs that need more.
//!
//! A process may take less than its machine has: it has limits of its own (`ulimit`), and each of the control groups
//! that it is in, which is how containers and job schedulers share a machine, may have one.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A limit on the memory of this process.
#[derive(Debug, PartialEq)]
struct Limit {
    bytes: f64,
    of: Of,
}

/// The owner of a limit.
#[derive(Debug, PartialEq)]
enum Of {
    Machine,
    /// The process itself. Its limit counts addresses, used or not: the stacks of threads as well, and what the program
    /// has `used` so far.
    Process {
        option: &'static str,
        used: f64,
    },
    /// A control group, with the file that sets its limit.
    Group(PathBuf),
}

/// The size in bytes of the addresses that a thread takes for its stack, and for what belongs to it.
const STACK: f64 = 2.1 * (1 << 20) as f64;
/// The number of threads beside those of a run: one listens for signals, one moves the progress bar.
const OTHER_THREADS: usize = 2;

impl Limit {
    /// Returns the bytes that the limit leaves for a run on `threads` threads.
    fn left(&self, threads: usize) -> f64 {
        match self.of {
            Of::Process { used, .. } => {
                self.bytes - used - (threads + OTHER_THREADS) as f64 * STACK
            }
            _ => self.bytes,
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = size(self.bytes);
        match &self.of {
            Of::Machine => write!(f, "this machine has {bytes}"),
            Of::Process { option, .. } => {
                write!(f, "the limit of this process (ulimit {option}) is {bytes}")
            }
            Of::Group(file) => write!(
                f,
                "the limit of its control group ({}) is {bytes}",
                file.display()
            ),
        }
    }
}

/// Returns a number of bytes as text: `25 KiB`, `146 MiB`, `7.5 GiB`.
pub fn size(bytes: f64) -> String {
    let mib = (1 << 20) as f64;
    match bytes / mib {
        few if few > 0.0 && few < 1.0 => format!("{:.0} KiB", (1024.0 * few).ceil()),
        few if few < 1024.0 => format!("{:.0} MiB", few.max(0.0)),
        many => format!("{:.1} GiB", many / 1024.0),
    }
}

/// Refuses a computation that needs more memory than this process may have.
///
/// `name` is the name of the computation, `shown_by` the command that shows its settings, and `needed` the bytes that
/// it needs on `threads` threads.
///
/// # Errors
/// If `needed` is more than the tightest limit leaves, or NaN.
pub fn check(name: &str, shown_by: &str, needed: f64, threads: usize) -> Result<()> {
    check_against(&limits(Path::new("/")), name, shown_by, needed, threads)
}

fn check_against(
    limits: &[Limit],
    name: &str,
    shown_by: &str,
    needed: f64,
    threads: usize,
) -> Result<()> {
    let Some(limit) = tightest(limits, threads) else {
        return Ok(());
    };
    let left = limit.left(threads);
    // A need that is not a number is more than any memory.
    if needed <= left {
        return Ok(());
    }
    // The total includes what the limit counts beside the experiment itself.
    let total = size(needed + (limit.bytes - left));
    let way_out = match limit.of {
        Of::Machine => "",
        _ => "raise the limit, or ",
    };
    let fewer = match threads {
        1 => "",
        _ => " or fewer --threads",
    };
    Err(Error::input(format!(
        "{name} would need about {total} of memory, and {limit}; {way_out}choose smaller sizes (`{shown_by}` shows \
         them){fewer}"
    )))
}

fn tightest(limits: &[Limit], threads: usize) -> Option<&Limit> {
    let by_left = |a: &&Limit, b: &&Limit| a.left(threads).total_cmp(&b.left(threads));
    limits.iter().min_by(by_left)
}

/// Returns the most memory that this process may have at a time, in bytes.
pub fn most() -> f64 {
    let bytes = limits(Path::new("/")).into_iter().map(|limit| limit.bytes);
    bytes.fold(f64::INFINITY, f64::min)
}

/// Returns every limit that holds for this process, as the files of Linux under `root` tell. Where the system does not
/// say how much memory it has, that is taken to be a generous 64 GiB.
fn limits(root: &Path) -> Vec<Limit> {
    let text = |file: &str| std::fs::read_to_string(root.join(file)).unwrap_or_default();
    let kib = |text: &str, name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: f64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024.0)
    };
    let machine = kib(&text("proc/meminfo"), "MemTotal:");
    let mut limits = vec![Limit {
        bytes: machine.unwrap_or(64.0 * 2f64.powi(30)),
        of: Of::Machine,
    }];
    let (own, status) = (text("proc/self/limits"), text("proc/self/status"));
    for (name, option, used) in [
        ("Max address space", "-v", "VmSize:"),
        ("Max data size", "-d", "VmData:"),
    ] {
        // The soft limit, which holds, stands before the hard one.
        let soft = own.lines().find_map(|line| line.strip_prefix(name));
        let soft = soft.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        limits.extend(soft.map(|bytes| Limit {
            bytes,
            of: Of::Process {
                option,
                used: kib(&status, used).unwrap_or(0.0),
            },
        }));
    }
    let groups = text("proc/self/cgroup");
    let mounts = text("proc/self/mountinfo");
    for file in groups.lines().flat_map(|line| group_files(line, &mounts)) {
        let inside = file.strip_prefix("/").unwrap_or(&file);
        let bytes = std::fs::read_to_string(root.join(inside)).ok();
        // A group without a limit says `max`.
        let bytes = bytes.and_then(|text| text.trim().parse().ok());
        limits.extend(bytes.map(|bytes| Limit {
            bytes,
            of: Of::Group(file),
        }));
    }
    limits
}

/// Returns the files that may limit the memory of a control group and of all groups around it. The group is that of
/// `line`, a line of `/proc/self/cgroup`; `mounts` is the text of `/proc/self/mountinfo`, which tells where the file
/// systems are.
fn group_files(line: &str, mounts: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':');
    let (Some(_), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next())
    else {
        return Vec::new();
    };
    let (kind, file) = match controllers {
        "" => ("cgroup2", "memory.max"),
        _ if controllers.split(',').any(|c| c == "memory") => ("cgroup", "memory.limit_in_bytes"),
        _ => return Vec::new(),
    };
    let mut files = Vec::new();
    for mount in mounts.lines() {
        // `… <root> <mount point> … - <kind> <source> <options>`
        let Some((place, system)) = mount.split_once(" - ") else {
            continue;
        };
        let mut place = place.split(' ').skip(3);
        let mut system = system.split(' ');
        let (Some(root), Some(point), Some(its_kind)) = (place.next(), place.next(), system.next())
        else {
            continue;
        };
        let options = system.nth(1).unwrap_or_default();
        let has_memory = kind == "cgroup2" || options.split(',').any(|o| o == "memory");
        if its_kind != kind || !has_memory {
            continue;
        }
        // In a container, the groups around its own are not mounted.
        let inside = Path::new(group).strip_prefix(root).unwrap_or(Path::new(""));
        let innermost = Path::new(point).join(inside);
        let around = innermost.ancestors().take_while(|g| g.starts_with(point));
        files.extend(around.map(|group| group.join(file)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1048576.0;

    /// Returns the limits on a system that has these files.
    fn limits_of(files: &[(&str, &str)]) -> Vec<Limit> {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        limits(root.path())
    }

    /// Returns the error of an experiment on two threads that needs a TiB.
    fn refusal(limits: &[Limit]) -> String {
        let refused = check_against(
            limits,
            "response",
            "harness list response",
            2f64.powi(40),
            2,
        );
        refused.unwrap_err().to_string()
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:       16777216 kB\nMemFree:         1 kB\n",
    );

    #[test]
    fn a_machine_has_what_it_says_and_else_64_gib() {
        let machine = |bytes| Limit {
            bytes,
            of: Of::Machine,
        };
        assert_eq!(limits_of(&[MEMINFO]), [machine(16384.0 * MIB)]);
        assert_eq!(limits_of(&[]), [machine(65536.0 * MIB)]);
        let error = refusal(&limits_of(&[MEMINFO]));
        assert!(
            error.contains("this machine has 16.0 GiB; choose"),
            "{error}"
        );
    }

    #[test]
    fn the_limits_of_the_process_count_with_what_it_takes_already() {
        let limits = limits_of(&[
            MEMINFO,
            (
                "proc/self/limits",
                "Limit                     Soft Limit           Hard Limit           Units\n\
                 Max data size             104857600            unlimited            bytes\n\
                 Max address space         157286400            unlimited            bytes\n\
                 Max file locks            unlimited            unlimited            locks\n",
            ),
            (
                "proc/self/status",
                "VmPeak:\t   99999 kB\nVmSize:\t   81920 kB\nVmData:\t   10240 kB\n",
            ),
        ]);
        let process = |bytes, option, used| Limit {
            bytes,
            of: Of::Process { option, used },
        };
        assert_eq!(limits[1], process(150.0 * MIB, "-v", 80.0 * MIB));
        assert_eq!(limits[2], process(100.0 * MIB, "-d", 10.0 * MIB));
        // Without any thread, 70 MiB would be left of the larger limit, and 90 of the smaller.
        let left = [0, 2].map(|threads| 70.0 - limits[1].left(threads) / MIB);
        assert!(left[0] > 2.0 * 2.0 && left[0] < 5.0, "{left:?}");
        assert!((left[1] - 2.0 * left[0]).abs() < 1e-9, "{left:?}");
        let error = refusal(&limits);
        assert!(
            error.contains("the limit of this process (ulimit -v) is 150 MiB; raise the limit, or"),
            "{error}"
        );
    }

    #[test]
    fn unlimited_is_no_limit() {
        let own = "Max address space         unlimited            unlimited            bytes\n";
        let groups = [
            ("proc/self/cgroup", "0::/a\n"),
            (
                "proc/self/mountinfo",
                "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            ),
            ("sys/fs/cgroup/a/memory.max", "max\n"),
        ];
        let files = [&[MEMINFO, ("proc/self/limits", own)][..], &groups].concat();
        assert_eq!(limits_of(&files).len(), 1);
    }

    #[test]
    fn a_control_group_is_held_to_its_own_limit_and_to_those_around_it() {
        let limits = limits_of(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/outer/middle/inner\n"),
            (
                "proc/self/mountinfo",
                "23 1 0:21 / /proc rw - proc proc rw\n\
                 41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n",
            ),
            ("sys/fs/cgroup/outer/memory.max", "268435456\n"),
            ("sys/fs/cgroup/outer/middle/memory.max", "max\n"),
            ("sys/fs/cgroup/outer/middle/inner/memory.max", "536870912\n"),
        ]);
        let tight = tightest(&limits, 2).unwrap();
        let file = PathBuf::from("/sys/fs/cgroup/outer/memory.max");
        assert_eq!((tight.bytes, &tight.of), (256.0 * MIB, &Of::Group(file)));
        assert_eq!(limits.len(), 3);
        let error = refusal(&limits);
        let group = "the limit of its control group (/sys/fs/cgroup/outer/memory.max) is 256 MiB";
        assert!(error.contains(group), "{error}");
    }

    #[test]
    fn control_groups_of_the_first_version_count_too() {
        let limits = limits_of(&[
            MEMINFO,
            (
                "proc/self/cgroup",
                "9:cpu,cpuacct:/job\n4:memory:/job/1\n0::/\n",
            ),
            (
                "proc/self/mountinfo",
                "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                 35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                 41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            ),
            (
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            (
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes",
                "134217728\n",
            ),
            (
                "sys/fs/cgroup/memory/job/1/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            // A limit of other controllers does not count.
            ("sys/fs/cgroup/cpu/job/memory.limit_in_bytes", "1\n"),
        ]);
        assert_eq!(tightest(&limits, 2).unwrap().bytes, 128.0 * MIB);
    }

    #[test]
    fn a_container_sees_its_own_group_where_it_is_mounted() {
        let limits = limits_of(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/docker/0123\n"),
            (
                "proc/self/mountinfo",
                "41 31 0:38 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
            ),
            ("sys/fs/cgroup/memory.max", "67108864\n"),
        ]);
        assert_eq!(tightest(&limits, 2).unwrap().bytes, 64.0 * MIB);
        // A group outside of what is mounted is unknown; what is mounted counts all the same.
        let files = group_files(
            "0::/../elsewhere",
            "41 31 0:38 /docker /sys/fs/cgroup ro - cgroup2 cgroup2 rw",
        );
        assert_eq!(files, [PathBuf::from("/sys/fs/cgroup/memory.max")]);
    }

    #[test]
    fn sizes_read_well() {
        let shown = [0.0, 1.0, 25_000.0, 146.4 * MIB, 7.5 * 1024.0 * MIB, -1.0].map(size);
        assert_eq!(
            shown,
            ["0 MiB", "1 KiB", "25 KiB", "146 MiB", "7.5 GiB", "0 MiB"]
        );
    }
}
