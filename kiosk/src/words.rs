//! What the terminal itself says, in both languages, shown and spoken alike.

macro_rules! phrases {
    ($($(#[$doc:meta])* $name:ident => $zh:literal, $en:literal;)*) => {
        $($(#[$doc])* pub fn $name() -> Text { text($zh, $en) })*
    };
}

pub mod staff;

use service::definition::{Category, Device, Fee, Form, Kind};
use service::step::Ask;
use service::text::{Language, Text};

use crate::devices::State;
use crate::write;

/// Words in both languages.
pub fn text(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

/// Without a link a department can't answer.
pub fn no_link() -> Text {
    text("现在连不上政务网络，这一项暂时办不了", "The network is down, so this cannot be done now")
}

/// Why a device is not at hand, in words for a citizen.
pub fn device_out(device: Device, state: State) -> Text {
    let (zh, en) = device_name(device);
    let (why_zh, why_en) = match state {
        State::Empty => ("缺纸", "is out of paper"),
        State::Jam => ("卡纸", "is jammed"),
        State::Open => ("盖子没有关好", "has its cover open"),
        State::Ready | State::Low | State::Fault | State::Absent => {
            ("暂时不能用", "is out of order")
        }
    };
    text(format!("{zh}{why_zh}"), format!("The {en} {why_en}"))
}

/// What people call a device.
pub fn device_name(device: Device) -> (&'static str, &'static str) {
    match device {
        Device::IdCard => ("身份证读卡器", "identity card reader"),
        Device::Camera => ("摄像头", "camera"),
        Device::Printer => ("打印机", "printer"),
        Device::Receipt => ("凭条打印机", "receipt printer"),
        Device::Scanner => ("扫描仪", "scanner"),
        Device::Pay => ("扫码付款", "payment"),
        Device::Signature => ("签名板", "signature pad"),
        Device::SocialCard => ("社保卡读卡器", "social card reader"),
        Device::TransitCard => ("公交卡读卡器", "transit card reader"),
        Device::Fingerprint => ("指纹仪", "fingerprint reader"),
    }
}

phrases! {
    next => "下一步", "Next";
    start => "开始办理", "Start";
    again => "再试一次", "Try again";
    another => "办其他事", "Something else";
    shoot => "拍照", "Take the picture";
    done_title => "办好了", "Done";
    looking_up => "正在查询，请稍等", "Looking it up";
    doing => "正在办理，请稍等", "Working on it";
    check_title => "请核对", "Please check";
    check_help => "有不对的，点那一行就能改。", "Touch a line to change it.";
    kept_title => "已受理（离线）", "Accepted, to be sent";
    kept_help => "网络断了，您的申请已存好，恢复后自动送出，不会丢也不会重复。", "The network is down. Your application is kept safe and sent once it is back, exactly once.";
    refused_title => "这次办不了", "This cannot be done";
    unanswered_title => "对方没有回应", "Nobody answered";
    unanswered_help => "您填的内容都还在。可以再试一次，或者过一会儿再来。", "What you entered is still here. Try again, or come back later.";
    call => "需要帮助请找大厅工作人员，或拨打12345", "Ask the staff in the hall for help, or call 12345";
    number => "编号", "Number";
    item => "事项", "Item";
    who => "谁能办", "Who";
    fee => "费用", "Fee";
    time => "多久办好", "How long";
    department => "由谁办理", "Department";
    basis => "依据", "Law";
    free => "免费", "Free";
    yuan => "元", "yuan";
    immediately => "当场办好", "At once";
    from_card => "刷身份证", "read from your card";
    from_certificates => "电子证照自动取", "taken from your e-certificates";
    taken_here => "在这里拍", "scanned here";
    at_department => "部门已有，不用带", "the department has it";
    at_counter => "到窗口填", "filled in at the counter";
    ask_staff => "请工作人员核对", "Ask staff to check";
    full => "已约满", "full";
    camera_failed => "没有拍成，请再拍一次", "The picture did not come out; please take it again";
    agree_first => "请先阅读并点“同意”", "Please read and agree first";
    sign_first => "请用手指在框里签名", "Please sign in the box with your finger";
    shoot_first => "请至少拍一张", "Please take at least one picture";
    address_first => "请选街道，再写门牌", "Please choose the sub-district, then write the house";
    place_first => "请在地图上点一下位置", "Please touch the place on the map";
    slot_first => "请选日子，再选时间", "Please choose a day, then a time";
    choose_first => "请选一项", "Please choose one";
    write_first => "这里还没有填", "This is still empty";
    date_first => "请选完年、月、日", "Please choose year, month and day";
    not_confirmed => "工作人员没有核对通过，请找大厅工作人员", "Staff did not confirm it; please talk to them";
    type_number => "没带卡或读不出？输入卡号", "No card at hand? Type its number";
    typed_instead => "可输入卡号办理", "its number can be typed";
    by_staff => "将由工作人员核对", "staff will confirm who you are";
    without_picture => "可以办，不用拍照", "can be done without pictures";
    notices => "公告", "Notices";
    notice_call => "咨询电话", "Questions";
    notice_days => "时间", "Days";
    take_along => "带到手机上看", "Take it on your telephone";
    take_copy => "用手机收电子件", "Get it on your telephone";
    print_again => "装好纸后再打印", "Print again after a refill";
    making_code => "正在生成取件码", "Making the code";
    scan_this => "请用手机扫这个码", "Scan this with your telephone";
    scan_this_help => "10分钟内有效，只能打开一次；码里没有您的信息。", "Good for ten minutes and one opening; the code holds nothing of you.";
    code_failed => "取件码没有生成，请再试一次或找工作人员", "The code could not be made; try again or ask the staff";
    got_it => "好了", "Done";
    last_call => "办理时间快到了。", "Your time is nearly over.";
    still_there => "您还在吗？", "Are you still there?";
    card_left => "请取走您的卡，读卡区还有一张卡", "Please take your card; one lies on the reader";
    guessed => "按您写的先选这个", "Chosen from your words";
    not_yet => "请先完成这一步", "Please finish this step first";
}

/// What stands on the main button of the checking page.
pub fn submit(kind: Kind) -> Text {
    match kind {
        Kind::Query => text("查询", "Look it up"),
        Kind::Print | Kind::Certificate => text("没问题，打印", "Correct, print it"),
        Kind::Form => text("没问题，提交", "Correct, send it"),
        Kind::Payment => text("没问题，付款", "Correct, pay"),
        Kind::Booking => text("没问题，预约", "Correct, book it"),
    }
}

/// What is said when it is done.
pub fn done_help(kind: Kind) -> Text {
    match kind {
        Kind::Query => text("看完请点“结束并清除”。", "When you have read it, finish and clear."),
        Kind::Print | Kind::Certificate => {
            text("纸从右下方出口出来，请拿好。", "The paper comes out at the lower right.")
        }
        Kind::Form => {
            text("请拿好凭条，上面有编号。", "Please keep the slip; the number is on it.")
        }
        Kind::Payment => text("付款成功，请拿好凭条。", "Paid. Please keep the receipt."),
        Kind::Booking => text("请按时来，带好材料。", "Please come in time and bring your papers."),
    }
}

/// Where a paper comes out.
pub fn comes_out(form: Form, language: Language) -> String {
    let words = match form {
        Form::A4 => text("从打印机出纸口取", "from the printer"),
        Form::Receipt => text("从凭条口取", "from the slip printer"),
        Form::Screen | Form::Qr => text("在屏幕上", "on the screen"),
    };
    words.get(language).to_owned()
}

/// What it costs.
pub fn fee_of(cost: &Fee, language: Language) -> String {
    match cost {
        Fee::Free => free().get(language).to_owned(),
        Fee::Owed(what) => what.get(language).to_owned(),
        Fee::Fixed { amount_fen, note } => {
            let note = note.as_ref().map(|note| note.get(language)).unwrap_or_default();
            format!("{} {note}", write::money(i64::from(*amount_fen))).trim().to_owned()
        }
    }
}

/// In how many working days.
pub fn working_days(days: u16) -> Text {
    text(format!("{days}个工作日"), format!("{days} working days"))
}

/// Papers to bring.
pub fn originals(count: u8, language: Language) -> String {
    match language {
        Language::Chinese => format!("带原件{count}份"),
        Language::English => format!("bring the original ({count})"),
    }
}

/// Copies to bring.
pub fn copies(count: u8, language: Language) -> String {
    match language {
        Language::Chinese => format!("带复印件{count}份"),
        Language::English => format!("bring a copy ({count})"),
    }
}

/// How many can still book.
pub fn places_left(count: u32, language: Language) -> String {
    match language {
        Language::Chinese => format!("还有{count}个"),
        Language::English => format!("{count} left"),
    }
}

/// Too few of several.
pub fn choose_at_least(count: u8) -> Text {
    text(format!("请至少选{count}项"), format!("Please choose at least {count}"))
}

/// What is missing on an empty page.
pub fn answer_first(ask: &Ask) -> Text {
    match ask {
        Ask::YesNo | Ask::Choice { .. } | Ask::Choices { .. } | Ask::Pick { .. } => choose_first(),
        Ask::Date { .. } | Ask::Month { .. } => date_first(),
        Ask::Place => place_first(),
        Ask::Slot { .. } => slot_first(),
        Ask::Address => address_first(),
        _ => write_first(),
    }
}

/// Where an answer comes from that nobody typed.
pub fn source(from: &str) -> Text {
    match from.split('.').next().unwrap_or_default() {
        "card" => text("来自身份证", "from your identity card"),
        "certificate" => text("来自电子证照", "from your e-certificates"),
        _ => text("按前面填的", "as answered before"),
    }
}

/// What stands on an identity card.
pub fn card_field(field: &str) -> Text {
    match field {
        "name" => text("姓名", "Name"),
        "sex" => text("性别", "Sex"),
        "nation" => text("民族", "Nationality"),
        "birth" => text("出生日期", "Date of birth"),
        "address" => text("住址", "Address"),
        "number" => text("身份证号码", "Identity number"),
        "issuer" => text("签发机关", "Issuing authority"),
        "valid_from" => text("有效期起", "Valid from"),
        "valid_to" => text("有效期止", "Valid until"),
        "age" => text("年龄", "Age"),
        _ => text("", ""),
    }
}

phrases! {
    welcome => "鼓楼便民服务", "Gulou public services";
    touch_to_start => "轻触屏幕开始", "Touch the screen to start";
    home_title => "您要办什么？", "What would you like to do?";
    home_help => "点一项开始，随时可以结束。", "Touch one to begin; you can end at any time.";
    choose_item => "请选择事项", "Please choose";
    nothing_found => "没有找到，换个说法试试", "Nothing found; try another word";
    no_printer => "这台终端没有打印机，结果请看屏幕", "This terminal has no printer; the result stands on the screen";
    materials => "材料", "Papers";
    later => "网络断了，可先受理，恢复后自动送出", "The network is down; it is accepted now and sent later";
    without_paper => "可以办，纸质件改为电子件", "can be done with an electronic copy";
}

/// An intent and what it is about.
pub fn intent_prove() -> (Text, Text) {
    (
        text("打印证明", "Certificates"),
        text("证明、记录，当场打印", "Certificates and records, printed"),
    )
}

/// See [`intent_prove`].
pub fn intent_ask() -> (Text, Text) {
    (
        text("查询信息", "Look something up"),
        text("社保、医保、违章、学校", "Insurance, fines, schools"),
    )
}

/// See [`intent_prove`].
pub fn intent_pay() -> (Text, Text) {
    (text("缴费", "Pay"), text("水、电、燃气、罚款", "Water, power, gas, fines"))
}

/// See [`intent_prove`].
pub fn intent_apply() -> (Text, Text) {
    (text("办理申请", "Apply"), text("登记、申领、备案", "Registrations and applications"))
}

/// See [`intent_prove`].
pub fn intent_book() -> (Text, Text) {
    (text("预约", "Book a visit"), text("到社区和窗口办的事", "What is done with a person"))
}

/// See [`intent_prove`].
pub fn intent_report() -> (Text, Text) {
    (text("随手拍", "Report a problem"), text("路坏了、灯不亮，拍给我们", "Broken roads and lamps"))
}

/// How many items.
pub fn items(count: usize) -> Text {
    text(format!("{count}项"), format!("{count} items"))
}

/// What people call a category.
pub fn category(category: Category) -> Text {
    match category {
        Category::Housing => text("住房", "Housing"),
        Category::SocialInsurance => text("社会保险", "Social insurance"),
        Category::Employment => text("就业", "Work"),
        Category::Medical => text("医保", "Medical insurance"),
        Category::HousingFund => text("公积金", "Housing fund"),
        Category::PublicSecurity => text("公安户籍", "Police and register"),
        Category::Transport => text("交通出行", "Transport"),
        Category::CivilAffairs => text("民政", "Civil affairs"),
        Category::Tax => text("税务", "Tax"),
        Category::Health => text("卫生健康", "Health"),
        Category::Education => text("教育", "Education"),
        Category::Business => text("企业商户", "Business"),
        Category::Justice => text("法律服务", "Justice"),
        Category::Utilities => text("水电燃气", "Utilities"),
        Category::Elder => text("养老", "The elderly"),
        Category::Relief => text("救助", "Relief"),
        Category::Disability => text("残疾人", "Disability"),
        Category::Children => text("儿童", "Children"),
        Category::Family => text("婚育家庭", "Family"),
        Category::Veterans => text("退役军人", "Veterans"),
        Category::Community => text("社区", "Community"),
    }
}

/// How long until all is cleared.
pub fn seconds_left(seconds: u64) -> Text {
    text(
        format!("{seconds}秒后清除您填的内容"),
        format!("All you entered is cleared in {seconds} s"),
    )
}

/// A question and what stands under it.
pub fn overlay(question: &Text, help: &Text) -> Text {
    text(format!("{}{}", question.zh, help.zh), format!("{} {}", question.en, help.en))
}
