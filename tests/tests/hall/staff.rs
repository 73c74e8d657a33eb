//! Staff sign on without a network, see what works, and leave a record without a name.

use std::time::{SystemTime, UNIX_EPOCH};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use kiosk::staff::Secret;
use serde_json::{Value, json};

use crate::hall::{Hall, until};

const CARD: &str = "STAFF-7";
const PIN: &str = "4711";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Who may sign on, as a configuration says it.
fn roster() -> String {
    let cheap = Params::new(64, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let pin = argon2.hash_password_with_salt(PIN.as_bytes(), b"salt of a test").unwrap();
    format!("[[staff]]\nid = \"G07\"\ncard = \"{CARD}\"\npin = \"{pin}\"\ntotp = \"{SECRET}\"\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_sign_on_without_a_network_and_the_platform_learns_of_it_later() {
    let mut hall = Hall::open_with(&roster()).await;
    hall.platform.stop().await.unwrap();
    hall.happens("a4", json!({ "do": "paper-out" })).await;
    hall.happens("scanner", json!({ "do": "scan", "text": CARD })).await;
    hall.enters("密码", PIN).await;
    hall.enters("动态码", &code()).await;
    hall.tap("自检").await;
    hall.reads("缺纸").await;
    hall.reads("断开").await;
    hall.tap("返回").await;
    hall.tap("退出").await;
    hall.sees("轻触屏幕开始").await;
    hall.platform.start_again().await.unwrap();
    let told = async || hall.audited().await.contains(&"G07 signed-off".to_owned());
    until("the platform is told", told).await.unwrap();
    assert_eq!(hall.audited().await, ["G07 signed-on", "G07 checked-devices", "G07 signed-off"]);
}

impl Hall {
    /// Types digits into the field of this name, and goes on.
    async fn enters(&mut self, field: &str, digits: &str) {
        self.tap(field).await;
        self.types(digits).await;
        self.tap("下一步").await;
    }

    /// What staff did, in order, as the platform has it.
    async fn audited(&self) -> Vec<String> {
        let path = "/api/devices/terminal-1/events?stream=audit";
        let answer = self.platform.get(path).await.unwrap();
        let event = |event: &Value| {
            let text = |name: &str| event["payload"][name].as_str().unwrap().to_owned();
            format!("{} {}", text("who"), text("what"))
        };
        answer["events"].as_array().unwrap().iter().rev().map(event).collect()
    }
}

/// What her authenticator shows now.
fn code() -> String {
    #[expect(clippy::disallowed_methods, reason = "an authenticator goes by the clock")]
    let now = SystemTime::now();
    Secret::parse(SECRET).unwrap().shown(now.duration_since(UNIX_EPOCH).unwrap().as_secs())
}
