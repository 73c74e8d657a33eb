//! What goes wrong with paper and cards, and what the person in front of it reads.

use serde_json::{Value, json};

use crate::citizen::card;
use crate::hall::Hall;

/// Something that happens to a device, what is read then, and what mends it.
struct Fault {
    happens: Value,
    reads: &'static str,
    mended: Value,
}

impl Fault {
    fn new(happens: Value, reads: &'static str, mended: &str) -> Fault {
        Fault { happens, reads, mended: json!({ "do": mended }) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_does_not_come_out_is_said_in_words() {
    let faults = [
        Fault::new(json!({ "do": "paper-out" }), "凭条打印机缺纸", "load-paper"),
        Fault::new(json!({ "do": "paper-out", "after_rows": 60 }), "凭条打印机缺纸", "load-paper"),
        Fault::new(json!({ "do": "open-cover" }), "凭条打印机盖子没有关好", "close-cover"),
        Fault::new(json!({ "do": "jam" }), "凭条打印机卡纸", "clear-jam"),
        Fault::new(json!({ "do": "unplug" }), "凭条打印机暂时不能用", "plug"),
    ];
    let mut hall = Hall::open().await;
    for (fault, account) in faults.into_iter().zip([
        "3501020001",
        "3501020003",
        "3501020004",
        "3501020005",
        "3501020006",
    ]) {
        hall.opens_a_water_bill(account).await;
        hall.happens("receipt", fault.happens.clone()).await;
        hall.pays_with_a_telephone().await;
        hall.sees("水费缴费凭证").await;
        hall.reads(fault.reads).await;
        hall.tap("结束并清除").await;
        hall.happens("receipt", fault.mended).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_paper_the_list_says_so_before_the_first_question() {
    let mut hall = Hall::open().await;
    hall.tap("轻触屏幕开始").await;
    hall.tap("打印证明").await;
    for (what, reads, mended) in
        [("paper-out", "打印机缺纸", "load-paper"), ("unplug", "打印机暂时不能用", "plug")]
    {
        hall.happens("a4", json!({ "do": what })).await;
        hall.reads(reads).await;
        hall.happens("a4", json!({ "do": mended })).await;
        hall.reads("证明您名下在福州市没有房产登记，打印带验证码的证明。").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_can_not_be_read_may_be_laid_down_again() {
    let mut hall = Hall::open().await;
    hall.tap("轻触屏幕开始").await;
    hall.tap("打印证明").await;
    hall.opens("无房证明").await;
    hall.tap("开始办理").await;
    hall.sees("请放上身份证").await;
    for how in ["damaged", "truncated", "lifted"] {
        hall.happens("reader", json!({ "do": "fail", "how": how, "times": 20 })).await;
        hall.happens("reader", json!({ "do": "insert", "card": card("zhang-y") })).await;
        hall.reads("没有读出来，请拿起来再放一次").await;
        hall.happens("reader", json!({ "do": "remove" })).await;
        hall.happens("reader", json!({ "do": "fail", "how": how, "times": 0 })).await;
    }
    hall.shows_card("zhang-y", "请看镜头").await;
}
