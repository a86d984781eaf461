//! One of the parts of a computation: its number, how many there are, and the name of its folder.

use std::fmt::{self, Display};
use std::str::FromStr;

/// The largest number of parts of a run.
pub const MOST: usize = 100_000;

/// One of the parts of a run, such as 3/32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The number of this part, from 1.
    pub part: usize,
    /// The number of parts.
    pub parts: usize,
}

impl Share {
    /// Returns the name of the folder of the part; in alphabetical order, the names are in the order of the numbers.
    pub fn folder(self) -> String {
        let digits = self.parts.to_string().len();
        format!("{:0digits$}-of-{}", self.part, self.parts)
    }

    /// Returns the share whose folder has this name, if there is one.
    pub fn of_folder(name: &str) -> Option<Share> {
        let (part, parts) = name.split_once("-of-")?;
        let share: Share = format!("{}/{parts}", part.trim_start_matches('0'))
            .parse()
            .ok()?;
        (share.folder() == name).then_some(share)
    }
}

impl Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.parts)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(part, parts)| {
            let [part, parts] = [part.parse().ok()?, parts.parse().ok()?];
            (1..=MOST).contains(&parts).then_some((part, parts))
        });
        let share = numbers.filter(|(part, parts)| (1..=*parts).contains(part));
        let (part, parts) = share.ok_or_else(|| {
            format!("a part is its number and how many there are, such as 3/32, at most {MOST}")
        })?;
        Ok(Share { part, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_it_is_written() {
        for (text, folder) in [
            ("3/32", "03-of-32"),
            ("1/1", "1-of-1"),
            ("100/100", "100-of-100"),
        ] {
            let share: Share = text.parse().unwrap();
            assert_eq!(
                (share.to_string(), share.folder()),
                (text.into(), folder.into())
            );
            assert_eq!(Share::of_folder(folder), Some(share));
        }
        for wrong in [
            "", "3", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/2", "1/100001",
        ] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
        for wrong in ["3-of-32", "units", "00-of-3", "03-of-03"] {
            assert_eq!(Share::of_folder(wrong), None);
        }
    }
}
