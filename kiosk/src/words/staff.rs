//! What the terminal says to staff.

use service::definition::Device;
use service::text::Text;

use super::{device_name, text};
use crate::devices::State;
use crate::staff::{Deed, Refusal};

/// A device and how it is.
pub fn device_is(device: Device, state: State) -> Text {
    let ((zh, en), state) = (device_name(device), device_state(state));
    text(format!("{zh}：{}", state.zh), format!("{en}: {}", state.en))
}

/// How a device is.
pub fn device_state(state: State) -> Text {
    match state {
        State::Ready => text("正常", "in order"),
        State::Low => text("快用完，请准备", "nearly empty"),
        State::Empty => text("缺纸", "out of paper"),
        State::Jam => text("卡纸", "jammed"),
        State::Open => text("盖子没有关好", "cover open"),
        State::Fault => text("故障", "broken"),
        State::Absent => text("没有连接", "not connected"),
    }
}

/// What one of the staff did.
pub fn deed(deed: Deed) -> Text {
    match deed {
        Deed::SignedOn => text("工作人员登录", "Staff signed on"),
        Deed::SignedOff => text("工作人员退出", "Staff signed off"),
        Deed::Refused => text("登录未通过", "Sign-on refused"),
        Deed::LockedOut => text("登录已锁定", "Sign-on locked"),
        Deed::CheckedDevices => text("自检", "Devices checked"),
        Deed::RefilledPaper => text("装纸", "Paper refilled"),
        Deed::SetVolume => text("调音量", "Volume set"),
        Deed::ReadLog => text("看记录", "Log read"),
        Deed::ConfirmedIdentity => text("核对是本人", "Identity confirmed"),
        Deed::DeniedIdentity => text("核对不是本人", "Identity denied"),
    }
}

/// Why nobody is let in.
pub fn refused(refusal: Refusal) -> Text {
    match refusal {
        Refusal::Wrong { tries_left } => text(
            format!("工号、密码或动态码不对，还可以试{tries_left}次"),
            format!("Number, PIN or code is wrong; {tries_left} tries are left"),
        ),
        Refusal::Locked { left } => {
            let minutes = left.as_secs().div_ceil(60);
            text(
                format!("试错太多，请{minutes}分钟后再试"),
                format!("Too many wrong tries; try again in {minutes} min"),
            )
        }
    }
}

/// How many items work now.
pub fn items_work(working: usize, all: usize) -> Text {
    text(
        format!("{all}项里现在能办{working}项"),
        format!("{working} of {all} items can be done now"),
    )
}

/// Whom staff should look at.
pub fn is_this(name: &str) -> Text {
    if name.is_empty() {
        return text("请核对：是持卡本人吗？", "Is this the holder of the card?");
    }
    text(format!("请核对：这是{name}吗？"), format!("Is this {name}?"))
}

/// A volume.
pub fn volume(percent: u8) -> Text {
    if percent == 0 {
        return text("静音", "Mute");
    }
    text(format!("{percent}"), format!("{percent}"))
}

phrases! {
    sign_on => "工作人员登录", "Staff sign-on";
    your_number => "工号", "Your number at work";
    your_number_help => "也可以把工作证放到读卡区或扫一下。", "You may also lay down or scan your staff card.";
    your_pin => "密码", "Your PIN";
    your_code => "动态码", "Your one-time code";
    your_code_help => "看您手机验证器上的6位数字，每个只能用一次。", "Six digits from your authenticator; each is taken once.";
    called => "已请工作人员，请稍等。", "Staff are asked to come. Please wait.";
    menu => "设备维护", "Maintenance";
    test => "自检", "Self-test";
    test_again => "再查一遍", "Check again";
    devices => "设备", "Devices";
    link => "政务网络", "Link to the platform";
    link_up => "已连接", "connected";
    link_down => "断开", "down";
    not_now => "现在办不了的", "What cannot be done now";
    item => "事项", "Item";
    why => "原因", "Why";
    paper => "纸张", "Paper";
    paper_help => "装好纸、关好盖子，再点下面的按钮。", "Put the paper in, close the cover, then press below.";
    refilled => "纸已装好，再查一遍", "Paper is in; check again";
    volume_title => "音量", "Volume";
    log => "运行记录", "Log";
    log_help => "最近200条，不含办事人信息。", "The last 200 lines; nothing of a citizen is in them.";
    when => "时间", "Time";
    what => "内容", "What";
    language => "换成英文 English", "换成中文 Chinese";
    end => "退出", "Sign off";
    compare => "请对照身份证照片和本人。", "Compare the person with the picture on the card.";
    is_she => "是本人", "Yes, this is the person";
    is_not_she => "不是本人", "No";
    confirm => "确认", "Confirm";
}
