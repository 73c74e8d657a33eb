//! What is written more often in Fuzhou than in the newspapers that the dictionary counted.

/// Words that stand first for their pinyin, if they are what the letters mean.
const WORDS: [(&str, &str); 44] = [
    ("mawei", "马尾"),
    ("mawei", "马尾区"),
    ("yushan", "于山"),
    ("wushan", "乌山"),
    ("pingshan", "屏山"),
    ("gushan", "鼓山"),
    ("gushanzhen", "鼓山镇"),
    ("gulou", "鼓楼"),
    ("gulouqu", "鼓楼区"),
    ("taijiang", "台江"),
    ("taijiangqu", "台江区"),
    ("cangshan", "仓山"),
    ("cangshanqu", "仓山区"),
    ("jinan", "晋安"),
    ("jinanqu", "晋安区"),
    ("maweiqu", "马尾区"),
    ("changle", "长乐"),
    ("changlequ", "长乐区"),
    ("fuqing", "福清"),
    ("fuqingshi", "福清市"),
    ("minhou", "闽侯"),
    ("minhouxian", "闽侯县"),
    ("lianjiang", "连江"),
    ("luoyuan", "罗源"),
    ("minqing", "闽清"),
    ("yongtai", "永泰"),
    ("pingtan", "平潭"),
    ("sanfangqixiang", "三坊七巷"),
    ("dongjiekou", "东街口"),
    ("nanhou", "南后"),
    ("nanhoujie", "南后街"),
    ("wusilu", "五四路"),
    ("bayiqilu", "八一七路"),
    ("yangqiaolu", "杨桥路"),
    ("hudonglu", "湖东路"),
    ("shuibu", "水部"),
    ("antai", "安泰"),
    ("wenquan", "温泉"),
    ("huada", "华大"),
    ("hongshan", "洪山"),
    ("wufeng", "五凤"),
    ("jinjishan", "金鸡山"),
    ("yantaishan", "烟台山"),
    ("minjiang", "闽江"),
];

/// The surnames of Fujian, most frequent first; each stands on the first page of its sound.
const SURNAMES: &str = "chen陈 lin林 huang黄 zhang张 wu吴 li李 zheng郑 wang王 liu刘 su苏 cai蔡 yang杨 \
    xu许 zeng曾 guo郭 lai赖 xie谢 qiu邱 ye叶 zhou周 jiang江 he何 yu余 hong洪 lu卢 luo罗 deng邓 \
    weng翁 you游 dong董 gao高 fang方 wei魏 fu傅 hu胡 zhu朱 liang梁 ke柯 pan潘 zhan詹 xue薛 ruan阮 \
    yan严 tang汤 shi施 lan蓝 zhong钟 lei雷 bao鲍 cao曹 sun孙 song宋 ou欧 shen沈 yao姚 ni倪 ma马 \
    tang唐 lin蔺 chi池 qi齐 zhao赵 guan官 jian简 wu巫 xiong熊 kang康 rao饶 tu涂 chi迟 sa萨";

/// Words of `pinyin` that people here mean first.
pub(super) fn words(pinyin: &str) -> Vec<&'static str> {
    let places = WORDS.iter().filter(|(sound, _)| *sound == pinyin).map(|(_, word)| *word);
    let surnames = SURNAMES.split_ascii_whitespace().filter_map(|name| {
        let end = name.find(|letter: char| !letter.is_ascii())?;
        (&name[..end] == pinyin).then_some(&name[end..])
    });
    places.chain(surnames).collect()
}
