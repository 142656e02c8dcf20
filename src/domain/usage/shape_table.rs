//! The standard residential load shape: when in the year and in the day a household uses its energy.
//!
//! Our own figures, the mean of three public reference loads, each first scaled to sum to one: NREL's residential
//! sample load of SAM (`pvsamv1_residential_load.csv`), NREL's PySAM sample load, and the US DOE commercial reference
//! building "midrise apartment" in Houston as published with REopt. All three are hourly, of a hot-summer climate, and
//! start on a Sunday. Rounded to a thousandth. A test derives them again.

/// Ten-thousandths of a year's energy used in January..December.
pub const MONTH_SHARES: [u16; 12] = [645, 566, 591, 635, 810, 1102, 1381, 1261, 988, 794, 589, 638];

/// Per month, for weekdays and for weekends: the load in each clock hour, thousandths of the month's mean load.
pub const HOURS: [[[u16; 24]; 2]; 12] = [
    [
        [
            749, 676, 653, 648, 668, 760, 948, 1094, 998, 844, 805, 803, 791, 788, 797, 853, 1086, 1437, 1698, 1666,
            1595, 1447, 1193, 962,
        ],
        [
            755, 681, 658, 654, 674, 768, 961, 1105, 988, 839, 802, 800, 792, 782, 787, 841, 1077, 1462, 1726, 1690,
            1618, 1469, 1208, 965,
        ],
    ],
    [
        [
            756, 684, 659, 655, 675, 774, 953, 1068, 979, 837, 798, 806, 803, 806, 822, 875, 1085, 1370, 1653, 1685,
            1645, 1483, 1214, 975,
        ],
        [
            765, 692, 666, 661, 682, 782, 964, 1079, 970, 829, 787, 785, 769, 757, 765, 818, 1030, 1353, 1648, 1691,
            1654, 1495, 1226, 985,
        ],
    ],
    [
        [
            743, 669, 641, 653, 696, 804, 911, 1010, 907, 801, 797, 810, 810, 813, 835, 938, 1120, 1356, 1573, 1663,
            1633, 1450, 1179, 947,
        ],
        [
            754, 678, 649, 659, 702, 810, 920, 1004, 902, 814, 822, 850, 857, 866, 898, 1007, 1213, 1464, 1676, 1752,
            1713, 1506, 1209, 963,
        ],
    ],
    [
        [
            622, 584, 571, 587, 676, 824, 923, 861, 776, 769, 800, 828, 869, 919, 1008, 1229, 1512, 1589, 1567, 1649,
            1535, 1229, 953, 720,
        ],
        [
            651, 602, 579, 593, 677, 820, 922, 858, 791, 796, 842, 875, 913, 982, 1090, 1314, 1627, 1704, 1676, 1745,
            1629, 1326, 1025, 765,
        ],
    ],
    [
        [
            612, 560, 528, 532, 596, 681, 782, 756, 739, 784, 852, 913, 985, 1072, 1191, 1399, 1639, 1646, 1545, 1569,
            1467, 1190, 941, 712,
        ],
        [
            627, 564, 523, 520, 585, 669, 784, 734, 728, 789, 859, 947, 1044, 1171, 1308, 1515, 1819, 1816, 1688, 1673,
            1550, 1255, 979, 737,
        ],
    ],
    [
        [
            568, 501, 465, 452, 494, 558, 664, 704, 769, 876, 954, 1041, 1137, 1241, 1369, 1526, 1745, 1703, 1557,
            1479, 1363, 1118, 887, 683,
        ],
        [
            587, 522, 481, 466, 507, 577, 684, 699, 768, 888, 975, 1066, 1166, 1270, 1403, 1562, 1818, 1764, 1595,
            1505, 1380, 1133, 900, 688,
        ],
    ],
    [
        [
            639, 573, 531, 508, 534, 602, 689, 724, 785, 896, 974, 1063, 1162, 1268, 1375, 1501, 1653, 1630, 1518,
            1450, 1344, 1133, 927, 743,
        ],
        [
            629, 563, 522, 499, 528, 600, 672, 681, 747, 861, 947, 1026, 1123, 1224, 1338, 1484, 1617, 1586, 1467,
            1392, 1298, 1100, 900, 728,
        ],
    ],
    [
        [
            639, 576, 537, 518, 552, 639, 702, 719, 765, 876, 948, 1026, 1116, 1207, 1312, 1452, 1613, 1575, 1479,
            1453, 1352, 1123, 921, 734,
        ],
        [
            651, 591, 550, 527, 561, 647, 712, 715, 778, 889, 959, 1045, 1137, 1235, 1336, 1484, 1681, 1648, 1554,
            1519, 1401, 1163, 946, 753,
        ],
    ],
    [
        [
            590, 539, 505, 497, 541, 647, 726, 725, 732, 816, 911, 1005, 1104, 1204, 1309, 1448, 1623, 1595, 1538,
            1527, 1361, 1114, 890, 683,
        ],
        [
            650, 588, 546, 531, 581, 694, 787, 765, 784, 883, 958, 1046, 1135, 1231, 1334, 1477, 1703, 1685, 1624,
            1605, 1427, 1170, 935, 724,
        ],
    ],
    [
        [
            558, 514, 491, 495, 565, 698, 814, 770, 713, 759, 872, 978, 1091, 1198, 1297, 1464, 1658, 1683, 1662, 1592,
            1393, 1116, 867, 650,
        ],
        [
            585, 531, 503, 507, 577, 713, 838, 776, 728, 771, 877, 981, 1085, 1181, 1275, 1428, 1638, 1697, 1697, 1637,
            1449, 1172, 920, 688,
        ],
    ],
    [
        [
            712, 636, 604, 601, 628, 727, 877, 989, 933, 828, 819, 846, 854, 858, 868, 940, 1175, 1534, 1737, 1662,
            1601, 1437, 1165, 925,
        ],
        [
            722, 643, 608, 606, 637, 739, 885, 994, 921, 825, 799, 829, 842, 834, 846, 932, 1180, 1563, 1769, 1698,
            1632, 1470, 1197, 953,
        ],
    ],
    [
        [
            745, 675, 648, 642, 662, 759, 944, 1065, 983, 835, 791, 792, 781, 778, 794, 866, 1128, 1527, 1735, 1641,
            1594, 1445, 1184, 956,
        ],
        [
            753, 684, 656, 652, 673, 772, 963, 1084, 971, 826, 790, 776, 766, 758, 773, 842, 1103, 1535, 1751, 1661,
            1617, 1468, 1209, 980,
        ],
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Month;
    use jiff::civil::{Weekday, date};

    /// The first 8,760 numbers of a file of hourly values, scaled to sum to one.
    fn load(path: &str) -> Option<Vec<f64>> {
        let text = std::fs::read_to_string(path).ok()?;
        let values: Vec<f64> = text.lines().filter_map(|line| line.trim().parse().ok()).take(8760).collect();
        let total: f64 = values.iter().sum();
        Some(values.iter().map(|value| value / total).collect())
    }

    #[test]
    fn the_table_is_the_mean_of_the_three_reference_loads() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/loads");
        let files = ["ssc_residential_8760.csv", "pysam_sample_load.csv", "reopt_norm_Houston_MidriseApartment.dat"];
        let loads: Vec<Vec<f64>> = files.iter().filter_map(|file| load(&format!("{folder}/{file}"))).collect();
        if loads.len() < files.len() {
            assert!(std::env::var_os("CI").is_none(), "shared data absent");
            println!("skipped: the_table_is_the_mean_of_the_three_reference_loads: shared data absent");
            return;
        }
        let (mut months, mut hours, mut counts) = ([0.0; 12], [[[0.0; 24]; 2]; 12], [[0.0; 2]; 12]);
        let mut day = date(2017, 1, 1);
        for n in 0..365 {
            let (month, kind) =
                (day.month() as usize - 1, usize::from(matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)));
            counts[month][kind] += 1.0;
            for hour in 0..24 {
                let value: f64 = loads.iter().map(|load| load[n * 24 + hour]).sum::<f64>() / 3.0;
                months[month] += value;
                hours[month][kind][hour] += value;
            }
            day = day.tomorrow().expect("2017 has a next day");
        }
        for month in 0..12 {
            assert!((months[month] * 10_000.0 - f64::from(MONTH_SHARES[month])).abs() <= 1.0, "month {month}");
            let days = f64::from(Month::new(2017, month as i8 + 1).expect("a month").days());
            let mean = months[month] / days / 24.0;
            for kind in 0..2 {
                for hour in 0..24 {
                    let relative = hours[month][kind][hour] / counts[month][kind] / mean * 1000.0;
                    let table = f64::from(HOURS[month][kind][hour]);
                    assert!((relative - table).abs() <= 1.0, "month {month} kind {kind} hour {hour}");
                }
            }
        }
    }

    #[test]
    fn the_shares_of_the_year_sum_to_one() {
        assert_eq!(MONTH_SHARES.iter().map(|share| u32::from(*share)).sum::<u32>(), 10_000);
    }
}
