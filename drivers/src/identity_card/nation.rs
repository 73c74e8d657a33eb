//! Ethnic groups by the number a card carries (GB/T 3304).

/// Names for the codes 01 to 56, in order.
#[rustfmt::skip]
const NAMES: [&str; 56] = [
    "汉", "蒙古", "回", "藏", "维吾尔", "苗", "彝", "壮", "布依", "朝鲜",
    "满", "侗", "瑶", "白", "土家", "哈尼", "哈萨克", "傣", "黎", "傈僳",
    "佤", "畲", "高山", "拉祜", "水", "东乡", "纳西", "景颇", "柯尔克孜", "土",
    "达斡尔", "仫佬", "羌", "布朗", "撒拉", "毛南", "仡佬", "锡伯", "阿昌", "普米",
    "塔吉克", "怒", "乌孜别克", "俄罗斯", "鄂温克", "德昂", "保安", "裕固", "京", "塔塔尔",
    "独龙", "鄂伦春", "赫哲", "门巴", "珞巴", "基诺",
];

/// The name for a code as the card spells it, such as `22` for 畲.
pub fn name(code: &str) -> Option<&'static str> {
    match code {
        "97" => Some("其他"),
        "98" => Some("外国血统中国籍人士"),
        _ if code.len() == 2 && code.bytes().all(|digit| digit.is_ascii_digit()) => {
            NAMES.get(code.parse::<usize>().ok()?.checked_sub(1)?).copied()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_its_own_name_and_nothing_else_has_one() {
        let known: Vec<_> = (0..100).filter_map(|code| name(&format!("{code:02}"))).collect();
        assert_eq!(known.len(), 58);
        let mut distinct = known.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 58);
        assert_eq!(["01", "22", "56"].map(name), [Some("汉"), Some("畲"), Some("基诺")]);
        assert_eq!(["00", "57", "1", "+1", "", "００"].map(name), [None; 6]);
    }
}
