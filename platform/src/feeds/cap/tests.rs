use super::*;

/// A message of the weather office of Fuzhou; `head` and `info` are added to it, and no block without `info`
/// when it is a cancellation.
pub(crate) fn message(identifier: &str, kind: &str, head: &str, info: &str) -> String {
    let info = if kind == "Cancel" { String::new() } else { block(info) };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\
         <identifier>{identifier}</identifier><sender>office@fz.example</sender><sent>2026-11-23T08:00:00+08:00</sent>\
         <status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{head}{info}</alert>"
    )
}

fn block(info: &str) -> String {
    format!(
        "<info><language>zh-CN</language><category>Met</category><event>台风</event>{info}</info>"
    )
}

fn refusal(text: &str) -> String {
    parse(text.as_bytes()).expect_err("must be refused").to_string()
}

#[test]
fn a_message_speaks_in_chinese_and_english() {
    let english = "<language>en</language><event>Typhoon</event><headline>Typhoon red alert</headline><instruction>Stay inside &amp; wait.</instruction>";
    let both = format!(
        "<headline>台风红色预警</headline><description>阵风 &#x31;6 级。</description></info><info>{english}"
    );
    let message = parse(message("m", "Alert", "", &both).as_bytes()).unwrap();
    assert_eq!(message.text(|info| &info.headline), Text::new("台风红色预警", "Typhoon red alert"));
    assert_eq!(
        message.text(|info| &info.description),
        Text::new("阵风 16 级。", "Stay inside & wait.")
    );
}

#[test]
fn utc_is_written_with_a_minus() {
    for (text, second) in
        [("2013-01-05T10:58:23-00:00", 1_357_383_503), ("2003-06-17T14:57:00-07:00", 1_055_887_020)]
    {
        assert_eq!(time("sent", text).unwrap().as_second(), second);
    }
    for bad in ["2013-01-05T10:58:23", "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "soon", ""] {
        assert!(time("sent", bad).is_err(), "{bad}");
    }
}

#[test]
fn an_open_polygon_is_refused_and_named() {
    let area = |shape: &str| message("m", "Alert", "", &format!("<area>{shape}</area>"));
    assert_eq!(
        refusal(&area("<polygon>26,119 27,119 27,120 26,120</polygon>")),
        "polygon \"26,119 27,119 27,120 26,120\" is open: its last point is not its first"
    );
    assert_eq!(
        refusal(&area("<polygon>26,119 27,119 26,119</polygon>")),
        "polygon \"26,119 27,119 26,119\" has fewer than four points"
    );
    assert_eq!(
        refusal(&area("<polygon>96,119 27,119 27,120 96,119</polygon>")),
        "polygon \"96,119\" is not latitude,longitude"
    );
    assert_eq!(
        refusal(&area("<circle>26,NaN 3</circle>")),
        "circle \"26,NaN\" is not latitude,longitude"
    );
    assert_eq!(refusal(&area("<circle>26,119 -3</circle>")), "circle \"26,119 -3\" has no radius");
}

#[test]
fn entities_that_expand_are_refused() {
    let laughs = "<!DOCTYPE alert [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>";
    let bomb = message("m", "Alert", "", "<headline>&b;</headline>");
    assert_eq!(
        refusal(&bomb.replace("<alert", &format!("{laughs}<alert"))),
        "message has a document type declaration"
    );
    assert_eq!(refusal(&bomb), "message uses the entity \"b\"");
    assert_eq!(refusal(&bomb.replace("&b;", "&#0;")), "message uses the entity \"#0\"");
}

#[test]
fn size_depth_and_number_are_bounded() {
    assert_eq!(
        refusal(&" ".repeat(MESSAGE_MAX + 1)),
        "message has 1048577 bytes, at most 1048576 are read"
    );
    let deep = format!("{}{}", "<a>".repeat(DEPTH_MAX), "</a>".repeat(DEPTH_MAX));
    assert_eq!(refusal(&message("m", "Alert", "", &deep)), "message has more than 16 levels");
    assert_eq!(
        refusal(&message("m", "Alert", &"<a/>".repeat(ELEMENTS_MAX), "")),
        "message has more than 20000 elements"
    );
    assert_eq!(
        refusal(&message("m", "Alert", &block("").repeat(PARTS_MAX), "")),
        "message has more than 256 info"
    );
    let long =
        message("m", "Alert", "", &format!("<headline>{}</headline>", "长".repeat(TEXT_MAX)));
    assert_eq!(
        parse(long.as_bytes()).unwrap().infos[0].headline.chars().count(),
        681 + 1,
        "cut between characters"
    );
}

#[test]
fn what_is_no_message_is_refused_with_its_reason() {
    let good = message("m", "Alert", "", "");
    assert_eq!(refusal("<html/>"), "not a CAP message: its root is \"html\"");
    assert_eq!(refusal("<alert xmlns='urn:other'/>"), "not a CAP message: its root is \"alert\"");
    assert_eq!(refusal(&good.replace("<sender>office@fz.example</sender>", "")), "no sender");
    assert_eq!(refusal(&good.replace(">Actual<", ">Real<")), "status \"Real\" is no status");
    assert_eq!(
        refusal(&good.replace(">Alert<", ">Alarm<")),
        "msgType \"Alarm\" is no kind of message"
    );
    assert_eq!(refusal(good.trim_end_matches("</alert>")), "not XML, damaged at byte 341: cut off");
    assert!(refusal(&good.replace("</info>", "</inf>")).starts_with("not XML, damaged at byte "));
    assert_eq!(refusal(""), "not XML, damaged at byte 0: cut off");
}

#[test]
fn a_message_in_gb18030_is_read_where_it_says_so() {
    let text = message("m", "Alert", "", "<headline>台风</headline>").replace("UTF-8", "GB18030");
    let bytes = encoding_rs::GB18030.encode(&text).0;
    assert_eq!(parse(&bytes).unwrap().infos[0].headline, "台风");
    assert_eq!(
        parse(&encoding_rs::GB18030.encode(&text.replace("GB18030", "UTF-8")).0),
        Err(CapError::Charset)
    );
}

/// The recorded messages, each with what a reader must find in it.
#[test]
fn every_recorded_message_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/alerts/");
    if !std::path::Path::new(folder).exists() {
        eprintln!("skipped: {folder} is absent");
        return;
    }
    let read = |name: &str| parse(&std::fs::read(format!("{folder}{name}.xml")).unwrap()).unwrap();
    let mut lines = Vec::new();
    for name in [
        "v1dot2_appendix_adot2",
        "v1dot2_appendix_adot3",
        "v1dot1_appendix_adot1",
        "v1dot1_appendix_adot4",
        "v1dot0_appendix_adot1",
        "v1dot0_appendix_adot3",
        "google-PAAQ-4-mg5a94",
        "nws-5c2cf27b1f56885d61654dc47fa411d5",
        "ipaws-5e6dd964023f1930ef638846",
    ] {
        let message = read(name);
        let info = &message.infos[0];
        let areas = &info.areas;
        let (polygons, circles, geocodes) = (
            areas.iter().map(|area| area.polygons.len()).sum::<usize>(),
            areas.iter().map(|area| area.circles.len()).sum::<usize>(),
            areas.iter().map(|area| area.geocodes.len()).sum::<usize>(),
        );
        let expires = info.expires.map_or("open".to_owned(), |time| time.to_string());
        lines.push(format!(
            "{} {:?} {:?} refs {} until {expires}; {polygons} polygons, {circles} circles, {geocodes} codes",
            message.id.identifier.chars().take(18).collect::<String>(),
            message.kind,
            info.severity,
            message.references.len(),
        ));
        assert!(message.actual && message.public && !info.headline.is_empty(), "{name}");
    }
    assert_eq!(
        lines,
        [
            "KSTO1055887203 Alert Severe refs 0 until 2003-06-17T23:00:00Z; 1 polygons, 0 circles, 3 codes",
            "TRI13970876.2 Update Minor refs 1 until open; 0 polygons, 1 circles, 0 codes",
            "43b080713727 Alert Severe refs 0 until open; 0 polygons, 0 circles, 0 codes",
            "KAR0-0306112239-SW Alert Severe refs 0 until open; 0 polygons, 0 circles, 1 codes",
            "43b080713727 Alert Severe refs 0 until open; 0 polygons, 0 circles, 0 codes",
            "TRI13970876.1 Alert Minor refs 0 until open; 0 polygons, 1 circles, 0 codes",
            "PAAQ-4-mg5a94 Update Unknown refs 3 until 2013-01-05T10:58:23Z; 0 polygons, 1 circles, 0 codes",
            "NOAA-NWS-ALERTS-MN Alert Severe refs 0 until 2021-12-28T00:00:00Z; 0 polygons, 0 circles, 4 codes",
            "309104501346800 Alert Unknown refs 0 until 2019-01-04T20:33:15Z; 0 polygons, 0 circles, 5 codes",
        ]
    );
}
